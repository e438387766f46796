"""Verifies the operation log, and what is stored of the plans against it."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from core import events as e
from core.audit import Head, LogEntry, entry_link, first_broken_entry
from core.decide.planning import draft_of
from core.digest import (
    digest_approval,
    digest_header,
    digest_item,
    digest_plan,
    digest_version,
    mask_spec,
    needs_of,
)
from core.errors import Unavailable
from core.plan import Item, Plan
from core.ports.paging import read_all
from core.ports.plans import PlanQuery
from core.ports.store import Reading
from core.status import PlanStatus
from core.workflow import Workflow, masked_places

_BATCH = 1000
"""Entries or plans that are read at once."""
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""What is raised by rows whose values are not as they were written."""
_VERSIONS = (e.Created.name, e.Edited.name)
_REVISIONS = (*_VERSIONS, e.Replanned.name)
_NUMBERS = ("seq", "id", "link_seq")


@dataclass(slots=True)
class Report:
    """What a verification found. `unlinked` and `unchecked` count what versions without chain and digests wrote."""

    plans: int = 0
    entries: int = 0
    unlinked: int = 0
    unchecked: int = 0
    has_head: bool = True
    newest: Head = field(default_factory=Head)
    problems: list[str] = field(default_factory=list)


def verify_store(reading: Reading, key: bytes, head: str) -> Report:
    """Verify the log of all plans, and what is stored of each plan."""
    entries = list(all_entries(reading))
    report = verify_entries(entries, key, head, reading.log.head())
    logs = _by_plan(entries)
    listed = read_all(lambda cursor: reading.plans.page(PlanQuery(cursor=cursor, limit=_BATCH)))
    for plan_id in sorted({*logs, *(plan.id for plan in listed)}):
        found = _verify_plan(reading, plan_id, logs[plan_id], key)
        report.unchecked += found is None
        report.problems += found or ()
    return report


def verify_entries(entries: Sequence[LogEntry], key: bytes, head: str = "", newest: Head | None = None) -> Report:
    """Verify the chain over all plans; without the store's newest entry also the chain of each plan."""
    report = Report(entries=len(entries), unlinked=sum(not entry.link_seq for entry in entries))
    logs = _by_plan(entries)
    report.plans = len(logs)
    report.has_head = not head or any(_is_head(entry, head) for entry in entries)
    if newest is None:
        report.problems += [_describe(f"Plan {of}", wrong) for of in sorted(logs) if (wrong := _broken(logs[of], key))]
    report.problems += _broken_links(entries, key, newest)
    linked = [entry for entry in entries if entry.link_seq]
    report.newest = newest or (Head(linked[-1].link_seq, linked[-1].link) if linked else Head())
    return report


def read_dump(path: Path) -> list[LogEntry]:
    """Return the entries of a file that `fabu audit export` wrote. Raises OSError and ValueError."""
    text = path.read_text(encoding="utf-8")
    rows: Iterable[Mapping[str, Any]]
    if text.startswith("{"):
        rows = map(json.loads, text.splitlines())
    else:
        rows = csv.DictReader(text.splitlines(keepends=True))
    try:
        return [_entry_of(row) for row in rows]
    except (KeyError, TypeError) as error:
        raise ValueError(f"it has no {error}") from None


def all_entries(reading: Reading) -> Iterator[LogEntry]:
    """Yield the log entries of all plans, in the order in which they were written."""
    after = 0
    while batch := reading.log.since(after, _BATCH):
        yield from batch
        after = batch[-1].id


def _entry_of(row: Mapping[str, Any]) -> LogEntry:
    numbers: dict[str, Any] = {name: int(row.get(name) or 0) for name in _NUMBERS}
    details = row["details"] if isinstance(row["details"], dict) else json.loads(row["details"])
    texts = {name: row[name] for name in ("plan_id", "actor", "actor_kind", "via", "event", "hash")}
    at = datetime.fromisoformat(row["at"])
    return LogEntry(**texts, **numbers, at=at, details=details, link=row.get("link") or "")


def _by_plan(entries: Iterable[LogEntry]) -> defaultdict[str, list[LogEntry]]:
    logs: defaultdict[str, list[LogEntry]] = defaultdict(list)
    for entry in entries:
        logs[entry.plan_id].append(entry)
    return logs


def _is_head(entry: LogEntry, head: str) -> bool:
    """Return whether an entry is a head: SEQ:HASH of the chain over all plans, or the hash of a plan's log."""
    seq, colon, link = head.partition(":")
    if colon:
        return str(entry.link_seq) == seq and entry.link.startswith(link)
    return entry.hash.startswith(head)


def _broken(log: list[LogEntry], key: bytes) -> LogEntry | None:
    return first_broken_entry(sorted(log, key=lambda entry: entry.seq), key)


def _describe(name: str, wrong: LogEntry) -> str:
    return f"{name}: entry {wrong.seq} ({wrong.event}, by {wrong.actor}, {wrong.at}) does not fit."


def _broken_links(entries: Iterable[LogEntry], key: bytes, newest: Head | None) -> Iterator[str]:
    """Yield each break of the chain over all plans."""
    seq, link = 0, ""
    for entry in entries:
        here = f"entry {entry.link_seq} of all plans (plan {entry.plan_id}, entry {entry.seq})"
        if bool(entry.link_seq) is not bool(entry.link):
            yield f"The chain over all plans: {here} has lost its link."
        if not entry.link_seq:
            continue
        if entry.link_seq <= seq:
            yield f"The chain over all plans: {here} is not in its place."
            continue
        if entry.link_seq > seq + 1:
            yield f"The chain over all plans: {_missing(seq + 1, entry.link_seq - 1)}."
        elif entry_link(link, entry.link_seq, entry, key) != entry.link:
            yield f"The chain over all plans: {here} does not fit."
        seq, link = entry.link_seq, entry.link
    if newest and newest.seq > seq:
        yield f"The chain over all plans: {_missing(seq + 1, newest.seq)}: its end was cut off."
    if newest and newest.seq < seq:
        yield f"The chain over all plans: the database counts {newest.seq} entries, but there are {seq}."


def _missing(first: int, last: int) -> str:
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"


def _verify_plan(reading: Reading, plan_id: str, log: list[LogEntry], key: bytes) -> list[str] | None:
    """Return the problems of a plan; None when it has none, but its content cannot be checked."""
    try:
        plan = reading.plans.get_masked({plan_id}).get(plan_id)
    except _UNREADABLE:
        return [f"Plan {plan_id}: its rows cannot be read."]
    if plan is None:
        return [f"Plan {plan_id}: the plan is missing."]
    name = f"Plan #{plan.number} ({plan_id})"
    last = (log[-1].seq, log[-1].hash) if log else (0, "")
    if wrong := first_broken_entry(log, key):
        return [_describe(name, wrong)]
    if (plan.log_seq, plan.log_head) != last:
        return [f"{name}: entries after {len(log)} are missing."]
    try:
        differences = list(_differences(reading, plan, log))
    except _UNREADABLE:
        differences = ["its rows cannot be read"]
    has_digest = any("content_sha256" in entry.details for entry in log)
    problems = [f"{name}: {difference}." for difference in differences]
    return problems if has_digest or problems else None


def _differences(reading: Reading, plan: Plan, log: Sequence[LogEntry]) -> Iterator[str]:
    """Yield what is stored of a plan differently from what its log, which fits, says."""
    yield from _changed_versions(reading, plan, log)
    if changed := _latest(log, (*_VERSIONS, e.Finished.name), "content_sha256"):
        yield from _changed_content(plan, changed.details["content_sha256"])
        yield from _lost_credentials(reading, plan)
    revised = max((entry.seq for entry in log if entry.event in _REVISIONS), default=0)
    applied = _latest(log, (e.Finished.name, e.PoliciesApplied.name), "approval_sha256")
    approval = digest_approval(plan.approval.stages, plan.controls)
    if applied and applied.seq > revised and approval != applied.details["approval_sha256"]:
        yield "the stages of the approval, or what the policies demand, differ from the log"
    since = [entry for entry in log if entry.seq > revised]
    if not any(entry.event == e.FormReverted.name for entry in since):
        voted = [_vote(entry.details) for entry in since if entry.event == e.Voted.name]
        if voted != [(v.stage, v.person, v.decision.value, v.comment, v.delegate) for v in plan.votes]:
            yield "the votes differ from the log"


def _latest(log: Sequence[LogEntry], events: Sequence[str], detail: str) -> LogEntry | None:
    """Return the newest entry of some events, if it has a detail."""
    entry = next((entry for entry in reversed(log) if entry.event in events), None)
    return entry if entry and detail in entry.details else None


def _vote(details: Mapping[str, Any]) -> tuple[Any, ...]:
    texts = (details.get(name, "") for name in ("comment", "delegate"))
    return (details["stage"], details["person"], details["decision"], *texts)


def _changed_versions(reading: Reading, plan: Plan, log: Sequence[LogEntry]) -> Iterator[str]:
    made = [entry for entry in log if entry.event in _VERSIONS]
    versions = reading.plans.versions(plan.id)
    if len(versions) != len(made) and any("content_sha256" in entry.details for entry in made):
        yield f"there are {len(versions)} stored versions, but the log has {len(made)}"
        return
    for version, entry in zip(versions, made, strict=False):
        digest = entry.details.get("content_sha256")
        same = (version.by, version.at) == (entry.actor, entry.at)
        if digest and not (same and digest_version(version.content) == digest):
            yield f"the stored version of revision {version.revision} differs from entry {entry.seq} of the log"


def _changed_content(plan: Plan, digest: str) -> Iterator[str]:
    items = plan.items_in_order
    for item in items:
        if not _is_unchanged(item, plan):
            yield f"item {item.position} ({item.key}) differs from the log"
    header = digest_header(draft_of(replace(plan, items={})))
    if digest_plan(header, [item.sha256 for item in items]) != digest or plan.content_sha256 != digest:
        yield "the plan, or the list of its items, differs from the log"


def _is_unchanged(item: Item, plan: Plan) -> bool:
    needs = needs_of(item, plan)
    return item.sha256 in (digest_item(item, needs), digest_item(mask_spec(item), needs))


def _lost_credentials(reading: Reading, plan: Plan) -> Iterator[str]:
    """Yield that credentials were removed or changed, which drafts may lack."""
    try:
        whole = reading.plans.get(plan.id, whole=True)
    except Unavailable:
        yield "its credentials cannot be read"
        return
    for item in whole.items.values() if plan.status is not PlanStatus.PLANNING else ():
        if item.type == "workflow" and masked_places(Workflow.model_validate(item.spec or {})):
            yield f"item {item.position} ({item.key}) has lost credentials"
