"""The check-up of approvals: what the settings demand of plans, whether anybody can satisfy it, and what they miss."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from adapters.common.system import SystemClock, SystemIds
from adapters.store import doctor as store_doctor
from adapters.store.open import open_store
from bot.adapters import CHATS
from bot.people.directory import expected_people
from config.approval import NO_VOTE
from config.settings import Settings
from core.context import Context, Policy
from core.decide.planning import draft_of
from core.people import SYSTEM, Directory
from core.plan import Channel, Plan
from core.policies import ApprovalRules, unreadable_items
from core.ports.checkup import Finding
from core.ports.plans import PlanQuery
from core.ports.store import Reading
from core.status import ENDED, PlanStatus
from core.validate_approval import policy_problems

_PAGE = 100
_AS_BEFORE = frozenset(PlanStatus) - ENDED - {PlanStatus.PLANNING}
"""The statuses in which a plan keeps the controls with which it was finished."""


async def examine(settings: Settings, channels: Collection[Channel]) -> list[Finding]:
    """Check the rules for approvals, and the plans on which they have no effect or whose reach cannot be read.

    `channels` are those in which stages can be decided.
    """
    rules = settings.approval.rules()
    stored, plans = await _load(settings)
    directory = expected_people(settings, stored, CHATS)
    return [
        *([Finding(True, NO_VOTE)] if rules.required == "none" else ()),
        *_check_rules(Policy(approval=rules, channels=frozenset(channels)), directory),
        *(finding for plan in plans for finding in _check_plan(plan, rules)),
    ]


async def _load(settings: Settings) -> tuple[Directory, Sequence[Plan]]:
    """Return everybody whom the store knows and its plans that have not ended; none if it cannot be read."""
    url = settings.database.url
    known = await store_doctor.examine(settings.database)
    if url.startswith("memory:") or not all(found.ok for found in known) or store_doctor.is_new_file(url):
        return Directory(), ()
    store = open_store(url, b"no credential is read")
    try:
        return await store.read(lambda reading: (reading.people.directory(), list(_open_plans(reading))))
    finally:
        await store.close()


def _open_plans(reading: Reading) -> Iterator[Plan]:
    """Yield the plans that have not ended, whole, with credentials masked."""
    for status in PlanStatus:
        cursor, more = "", status not in ENDED
        while more:
            page = reading.plans.page(PlanQuery(status=status, cursor=cursor, limit=_PAGE))
            yield from reading.plans.get_masked([plan.id for plan in page.items]).values()
            cursor = page.next_cursor
            more = bool(cursor)


def _check_rules(policy: Policy, directory: Directory) -> Iterator[Finding]:
    rules = policy.approval
    for problem in policy_problems(Context(SYSTEM, SystemClock().now(), directory, policy, SystemIds())):
        yield Finding(False, str(problem), "as it is, every plan that this policy fits is refused at submit")
    for each in rules.policies:
        if each.when.needs_only_words:
            text = f"policy {each.name}: labels and names alone decide which plans it fits, which authors choose"
            yield Finding(False, text, "let it fit by runners, projects, environments, job types or databases")
    if rules.policies:
        yield Finding(True, f"policies: {', '.join(each.name for each in rules.policies)}")


def _check_plan(plan: Plan, rules: ApprovalRules) -> Iterator[Finding]:
    if plan.gate:
        return
    if plan.controls is None and plan.status in _AS_BEFORE and rules != replace(rules, required="none", policies=()):
        text = f"plan #{plan.number} was finished by a version without policies, and keeps the approval that it had"
        yield Finding(False, text, "take it back to planning (`fabu plan replan`) and submit it, to put it under them")
    for item in unreadable_items(draft_of(plan), rules):
        text = f"plan #{plan.number}: what item {item} touches cannot be read, so every policy on that fits it"
        yield Finding(False, text, "write the environment or the database, or a parameter with a value, into the item")
