"""The gate: Fabu as the external check of Zadig's own release plans.

For a hook of such a plan, Fabu makes a plan with one approval, so that its cards, votes, reminders, deadlines and log
are those of any plan. Zadig owns this plan: people approve, reject or cancel it, but cannot change it. Its result is
sent to Zadig as a callback, which is an effect like any other, and is tried as long as Zadig waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from adapters.zadig.client import ZadigClient
from adapters.zadig.models import ReleasePlan
from adapters.zadig.settings import Gate
from bot.i18n import Locale
from bot.i18n.labels import label
from bot.outbox.worker import Courier, Receipt, back_off_forever
from bot.services import Services
from bot.zadig.gate_text import describe_plan
from core import commands as c
from core.draft import ApprovalDraft, PlanDraft, StageDraft, TextItemDraft
from core.effects import Destination, Effect, Ungated
from core.errors import DeliveryError, Invalid, ItemNotReady, Problem, WrongStatus
from core.messages import Message
from core.people import Actor, gate
from core.plan import Plan
from core.ports.outbox import Delivery
from core.ports.paging import read_all
from core.ports.plans import PlanQuery, PlanReads
from core.status import FAILED_CHECK, WAITING_CHECK, HookEvent, PlanStatus, canonical_status
from core.workflow import HookReleasePlan, ReleasePlanHook, WorkflowHookJob

log = logging.getLogger(__name__)

ZADIG = gate("zadig")
"""The actor that owns the gate's plans."""
_PREFIX = "Zadig: "
"""The start of the names of the gate's plans."""
_APPROVED = (PlanStatus.EXECUTING, PlanStatus.SUCCESS)
"""The statuses of a plan that was approved."""


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A check that Zadig waits for: the event of a release plan, and the instance code that its callback must have."""

    plan_id: str
    instance_code: str
    event: HookEvent

    @classmethod
    def of(cls, plan: Plan) -> CheckRequest:
        """Return the request for which a plan of the gate was made."""
        plan_id, code, event = plan.origin
        return cls(plan_id, code, HookEvent(event))


class ZadigGate:
    """Makes plans for the checks that Zadig requests, and sends their results to Zadig."""

    def __init__(self, services: Services, client: ZadigClient) -> None:
        self._services, self._client, self._settings = services, client, services.settings.zadig
        server = services.settings.server
        self._locale = Locale(server.language, server.timezone)

    @property
    def actor(self) -> Actor:
        """The actor that owns the gate's plans."""
        return ZADIG

    @property
    def courier(self) -> Courier:
        """How results are delivered to Zadig."""
        return Courier(self._deliver, back_off_forever, self._note_given_up)

    async def request_approval(self, hook: ReleasePlanHook) -> None:
        """Make and submit a plan for a hook, once; cancel the plan for an older state of the same release plan.

        A hook that no gate fits makes no plan: Zadig goes on at once. Raises Invalid when the settings hold it instead,
        or when the plan for the gate that fits cannot be submitted.
        """
        release_plan, engine = hook.release_plan, self._services.engine
        event = _event(hook)
        rule = self._find_gate(release_plan, event)
        if rule is None:
            await self._pass_ungated(CheckRequest(release_plan.id, release_plan.instance_code, event))
            return
        origin = (release_plan.id, release_plan.instance_code, event.value)
        draft = self._draft(release_plan, event, rule)
        plan_id, key = self._services.ids.new_plan(), "/".join(("zadig", *origin))
        created, _ = await asyncio.gather(  # in one commit: every plan of a gate has been submitted
            engine.execute(c.Create(plan_id=plan_id, draft=draft, origin=origin), ZADIG, key),
            engine.execute(c.Submit(plan_id=plan_id), ZADIG, f"{key}/submit"),
        )
        if not created.repeated:
            await self._cancel_older(release_plan.id, plan_id)

    async def _pass_ungated(self, request: CheckRequest) -> None:
        """Let Zadig go on, and cancel what waits for an older state of the release plan.

        The answer is an effect, which is stored when this returns: Zadig sends a hook once. Raises Invalid when the
        settings hold what no gate fits.
        """
        if self._settings.ungated == "hold":
            raise Invalid(
                Problem(
                    "release_plan", "no gate of the settings fits this plan and event; write one under [[zadig.gates]]"
                )
            )
        payload = Ungated(request.event, request.instance_code)
        effect = Effect(self._services.ids.new(), request.plan_id, Destination.parse(ZADIG.id), payload)
        await self._services.store.write(lambda writing: writing.outbox.add([effect]))
        self._services.engine.notify_listeners([request.plan_id])
        await self._cancel_older(request.plan_id, "")

    async def _pass(self, request: CheckRequest) -> Receipt:
        """Send success for a check, unless Zadig does not wait for it any more."""
        try:
            await self._call_back(request, "")
        except DeliveryError as error:
            if error.retryable:
                raise
            log.warning("Zadig's plan %s, which no gate holds, was not passed: %s", request.plan_id, error)
            return Receipt(error.status, error.answer)
        log.info("Zadig's plan %s goes on at %s: no gate holds it", request.plan_id, request.event)
        return Receipt(answer="success")

    def _find_gate(self, plan: HookReleasePlan, event: HookEvent) -> Gate | None:
        """Return the first gate of the settings that fits a release plan and an event."""
        projects = {job.spec.workflow.project for job in plan.jobs if isinstance(job, WorkflowHookJob)} or {""}
        for rule in self._settings.gates:
            fits = fnmatchcase(plan.name, rule.plan) and any(fnmatchcase(name, rule.project) for name in projects)
            if fits and event in rule.events:
                return rule
        return None

    def _draft(self, plan: HookReleasePlan, event: HookEvent, rule: Gate) -> PlanDraft:
        """Return the draft of the gate's plan. The manager in Zadig is its manager too, and so cannot approve it."""
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
        """Return the id of the active person with an id or name in Zadig, empty unless there is exactly one."""
        people = self._services.engine.directory.people.values()
        found = [person.id for person in people if person.active and manager in (person.id, person.name)]
        return found[0] if len(found) == 1 else ""

    async def _cancel_older(self, release_plan_id: str, newest: str) -> None:
        """Cancel the waiting plans for a release plan, except the newest."""
        reason = Message("The plan was changed in Zadig, which asks anew.")
        for plan in await self._services.store.read(lambda reading: _open_gates(reading.plans)):
            if plan.id != newest and plan.origin[:1] == (release_plan_id,):
                with suppress(WrongStatus):  # it has ended meanwhile
                    await self._services.engine.execute(c.Cancel(plan_id=plan.id, reason=reason), ZADIG)

    async def _deliver(self, delivery: Delivery) -> Receipt:
        """Send a plan's result to Zadig, or let Zadig go on where no gate fits."""
        effect = delivery.effect
        if isinstance(effect.payload, Ungated):
            return await self._pass(CheckRequest(effect.plan_id, effect.payload.instance_code, effect.payload.event))
        return await self._send_result(delivery)

    async def _send_result(self, delivery: Delivery) -> Receipt:
        """Send a plan's result to Zadig. When Zadig continues, execute the plan's only item, which completes it."""
        plan_id = delivery.effect.plan_id
        plan = await self._services.store.read(lambda reading: reading.plans.get(plan_id))
        request = CheckRequest.of(plan)
        reason = ""
        if plan.status not in _APPROVED:
            reason = self._locale.message(plan.reason) or self._locale.text(label(plan.status))
        await self._call_back(request, reason)
        if plan.status is PlanStatus.EXECUTING:
            (item_id,) = plan.items
            remark = self._locale.text("Zadig took the answer.")
            with suppress(WrongStatus, ItemNotReady):  # somebody has executed the item by hand
                await self._services.engine.execute(c.Execute(plan_id=plan_id, item_id=item_id, remark=remark), ZADIG)
        else:
            note = c.NoteHookDelivered(
                plan_id=plan_id, endpoint="Zadig", event=request.event, delivery=delivery.effect.id
            )
            await self._services.engine.execute(note, ZADIG)
        return Receipt(answer="failed" if reason else "success")

    async def _call_back(self, request: CheckRequest, reason: str) -> None:
        """Send the callback for a check; it has failed if there is a reason.

        Raises DeliveryError, a retryable one as long as Zadig waits for the check. When Zadig rejects the callback, but
        has this result already, it counts as delivered.
        """
        code, event = request.instance_code, request.event
        try:
            result = "failed" if reason else "success"
            await self._client.answer_check(request.plan_id, code, event.value, result, reason=reason)
        except DeliveryError as error:
            if error.retryable:
                raise
            current = await self._find_release_plan(request.plan_id)
            if current is None:
                raise
            if current.instance_code == code and current.status == WAITING_CHECK[event].value:
                raise DeliveryError("Zadig", error.reason, retryable=True) from error
            if current.instance_code != code or (current.status == FAILED_CHECK[event].value) is not bool(reason):
                raise

    async def _find_release_plan(self, plan_id: str) -> ReleasePlan | None:
        """Return a release plan, None when Zadig does not have it any more.

        Raises a retryable DeliveryError when that cannot be known, such as while the token is wrong.
        """
        try:
            return await self._client.find_release_plan(plan_id)
        except DeliveryError as error:
            raise DeliveryError("Zadig", error.reason, retryable=True) from error

    async def _note_given_up(self, delivery: Delivery, error: DeliveryError) -> None:
        """Cancel an executing plan whose result Zadig does not take any more, or note in another one's log why not."""
        plan_id = delivery.effect.plan_id
        plan = await self._services.store.read(lambda reading: reading.plans.get(plan_id))
        command: c.AnyCommand = c.Cancel(plan_id=plan_id, reason=error.as_message())
        if plan.status is not PlanStatus.EXECUTING:
            event = CheckRequest.of(plan).event
            command = c.NoteHookUndeliverable(plan_id=plan_id, endpoint="Zadig", event=event, reason=error.reason)
        await self._services.engine.execute(command, ZADIG)


def _event(hook: ReleasePlanHook) -> HookEvent:
    """Return the event of a hook. Raises Invalid for an unknown one, and when Zadig does not wait for a callback."""
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
