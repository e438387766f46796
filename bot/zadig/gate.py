"""The gate: Fabu as the external checker of Zadig's own release plans.

A hook of such a plan becomes a plan here that asks for one approval, so that cards, votes, reminders, deadlines and the
log are those of any plan. Its owner is Zadig: people decide it or give it up, but do not change what is asked. How it
ends is Zadig's callback, an effect like any other, which is tried as long as Zadig waits for it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from adapters.zadig.client import ZadigClient
from adapters.zadig.runner import ZadigRunner
from adapters.zadig.settings import Gate
from bot.i18n import Locale
from bot.i18n.labels import label
from bot.outbox.worker import Courier, Couriers, Sent, patient
from bot.services import Services
from bot.zadig.gate_text import describe_plan
from core import commands as c
from core.draft import ApprovalDraft, PlanDraft, StageDraft, TextItemDraft
from core.effects import Destination
from core.errors import DeliveryError, Invalid, ItemNotReady, Problem, WrongStatus
from core.messages import Message
from core.people import gate
from core.plan import Plan
from core.ports.outbox import Delivery
from core.ports.paging import read_all
from core.ports.plans import PlanQuery, PlanReads
from core.status import FAILED_CHECK, WAITING_CHECK, HookEvent, PlanStatus, canonical_status
from core.workflow import HookReleasePlan, ReleasePlanHook, WorkflowHookJob

ZADIG = gate("zadig")
_PREFIX = "Zadig: "
_APPROVED = (PlanStatus.EXECUTING, PlanStatus.SUCCESS)


@dataclass(frozen=True, slots=True)
class Question:
    """What Zadig asked: which moment of which plan, under the code that an answer has to carry."""

    plan_id: str
    instance_code: str
    event: HookEvent

    @classmethod
    def of(cls, plan: Plan) -> Question:
        """Return the question that a plan of ours asks people."""
        asked, code, event = plan.origin
        return cls(asked, code, HookEvent(event))


class ZadigGate:
    """Asks people what Zadig asks, and answers Zadig."""

    def __init__(self, services: Services, client: ZadigClient) -> None:
        self._services, self._client, self._settings = services, client, services.settings.zadig
        server = services.settings.server
        self._locale = Locale(server.language, server.timezone)

    @property
    def courier(self) -> Courier:
        """How `answer` effects are delivered."""
        return Courier(self._deliver, patient, self._given_up)

    async def ask(self, hook: ReleasePlanHook) -> None:
        """Open an approval for a hook, once; one for an older state of the same plan is withdrawn.

        Raises Invalid when no gate of the settings fits, or the one that fits cannot be asked.
        """
        told, engine = hook.release_plan, self._services.engine
        question = Question(told.id, told.instance_code, _event(hook))
        origin = (told.id, told.instance_code, question.event.value)
        draft = self._draft(told, question.event, self._gate(told, question.event))
        plan_id, key = self._services.ids.new(), "/".join(("zadig", *origin))
        created, _ = await asyncio.gather(  # into one commit: a gate that is there has been asked
            engine.execute(c.Create(plan_id=plan_id, draft=draft, origin=origin), ZADIG, key),
            engine.execute(c.Submit(plan_id=plan_id), ZADIG, f"{key}/submit"),
        )
        if not created.repeated:
            await self._withdraw_older(told.id, plan_id)

    def _gate(self, plan: HookReleasePlan, event: HookEvent) -> Gate:
        projects = {job.spec.workflow.project for job in plan.jobs if isinstance(job, WorkflowHookJob)} or {""}
        for rule in self._settings.gates:
            fits = fnmatchcase(plan.name, rule.plan) and any(fnmatchcase(name, rule.project) for name in projects)
            if fits and event in rule.events:
                return rule
        raise Invalid(
            Problem("release_plan", "no gate of the settings fits this plan and event; write one under [[zadig.gates]]")
        )

    def _draft(self, plan: HookReleasePlan, event: HookEvent, rule: Gate) -> PlanDraft:
        """Write the plan that asks. Whoever manages the plan in Zadig manages it here, and so cannot approve it."""
        own = self._person(plan.manager)
        stage = StageDraft(name=rule.name, approvers=rule.approvers, rule=rule.rule, channel=rule.channel)
        return PlanDraft(
            name=f"{_PREFIX}{plan.name[:120]} · {self._locale.text(label(event))}",
            manager=own or self._settings.gate_manager or next(iter(self._services.settings.auth.admins), ""),
            description=describe_plan(plan, self._locale),
            approval=ApprovalDraft(
                stages=(stage,),
                allow_self_approval=not own,
                expires_in=rule.expires_in,
                remind_every=rule.remind_every,
            ),
            checks=frozenset(),
            items=(TextItemDraft(type="text", key="answer", name=self._locale.text("Let Zadig go on")),),
        )

    def _person(self, manager: str) -> str:
        """Return the active person whose id or name Zadig calls the manager, if it can be nobody else."""
        people = self._services.engine.directory.people.values()
        found = [person.id for person in people if person.active and manager in (person.id, person.name)]
        return found[0] if len(found) == 1 else ""

    async def _withdraw_older(self, asked: str, newest: str) -> None:
        reason = Message("The plan was changed in Zadig, which asks anew.")
        for plan in await self._services.store.read(lambda reading: _open_gates(reading.plans)):
            if plan.id != newest and plan.origin[:1] == (asked,):
                with suppress(WrongStatus):  # it has ended meanwhile
                    await self._services.engine.execute(c.Cancel(plan_id=plan.id, reason=reason), ZADIG)

    async def _deliver(self, delivery: Delivery) -> Sent:
        """Answer Zadig as the plan stands now; when Zadig goes on, the plan has done its work."""
        plan_id = delivery.effect.plan_id
        plan = await self._services.store.read(lambda reading: reading.plans.get(plan_id))
        question = Question.of(plan)
        reason = ""
        if plan.status not in _APPROVED:
            reason = self._locale.message(plan.reason) or self._locale.text(label(plan.status))
        await self._answer(question, reason)
        if plan.status is PlanStatus.EXECUTING:
            (item_id,) = plan.items
            remark = self._locale.text("Zadig took the answer.")
            with suppress(WrongStatus, ItemNotReady):  # somebody said so by hand
                await self._services.engine.execute(c.Execute(plan_id=plan_id, item_id=item_id, remark=remark), ZADIG)
        else:
            note = c.NoteHookDelivered(
                plan_id=plan_id, endpoint="Zadig", event=question.event, delivery=delivery.effect.id
            )
            await self._services.engine.execute(note, ZADIG)
        return Sent(answer="failed" if reason else "success")

    async def _answer(self, question: Question, reason: str) -> None:
        """Call back; what Zadig refuses is tried again as long as it waits, and is done when it was taken before."""
        code, event = question.instance_code, question.event
        try:
            result = "failed" if reason else "success"
            await self._client.answer_check(question.plan_id, code, event.value, result, reason=reason)
        except DeliveryError as error:
            if error.retryable:
                raise
            asked = await self._client.get_release_plan(question.plan_id)
            if asked.instance_code == code and asked.status == WAITING_CHECK[event].value:
                raise DeliveryError("Zadig", error.reason, retryable=True) from error
            if asked.instance_code != code or (asked.status == FAILED_CHECK[event].value) is not bool(reason):
                raise

    async def _given_up(self, delivery: Delivery, error: DeliveryError) -> None:
        """Say on the plan that Zadig does not want the answer any more, so that nobody waits for it."""
        plan_id = delivery.effect.plan_id
        plan = await self._services.store.read(lambda reading: reading.plans.get(plan_id))
        question = Question.of(plan)
        command: c.AnyCommand = c.Cancel(plan_id=plan_id, reason=error.as_message())
        if plan.status is not PlanStatus.EXECUTING:
            command = c.NoteHookUndeliverable(
                plan_id=plan_id, endpoint="Zadig", event=question.event, reason=error.reason
            )
        await self._services.engine.execute(command, ZADIG)


def _event(hook: ReleasePlanHook) -> HookEvent:
    """Return the moment that a hook tells of. Raises Invalid for one at which Zadig does not wait."""
    if hook.event_name not in set(HookEvent):
        known = ", ".join(HookEvent)
        raise Invalid(Problem("release_plan.event_name", "write one of: {expected}", {"expected": known}))
    event = HookEvent(hook.event_name)
    if canonical_status(hook.release_plan.status) != WAITING_CHECK[event]:
        raise Invalid(
            Problem("release_plan.status", "Zadig does not wait for an answer; enable the callback of its hooks")
        )
    return event


def _open_gates(plans: PlanReads) -> list[Plan]:
    """Return the plans of Zadig's gates that wait for approval."""
    query = PlanQuery(status=PlanStatus.WAIT_FOR_APPROVAL, text=_PREFIX, limit=100)
    waiting = read_all(lambda cursor: plans.page(replace(query, cursor=cursor)))
    return [plan for plan in waiting if plan.gate == ZADIG.id]


def zadig_runner(services: Services) -> ZadigRunner | None:
    """Return the runner of Zadig, when it is enabled."""
    runner = services.runs.runners.get(ZadigRunner.name)
    return runner if isinstance(runner, ZadigRunner) else None


def gate_couriers(services: Services) -> Couriers:
    """Return how `answer` effects are delivered, by the systems that ask."""
    runner = zadig_runner(services)
    return {Destination.parse(ZADIG.id): ZadigGate(services, runner.client).courier} if runner else {}
