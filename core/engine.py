"""The one way to change a plan: `Engine.execute`.

Requests that arrive during a commit share the next one (group commit): one load, one decision for each, one commit.
No caller gets a result, and nothing is sent, before the commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core import commands as c
from core.audit import LogEntry, entries_for, fits
from core.consequences import effects_of
from core.context import Context, Environment, Policy
from core.decide import decide, start
from core.draft import PlanDraft
from core.effects import Effect, Sync
from core.errors import FabuError, Forbidden, Invalid, NotFound, Problem, Thing, Unavailable
from core.events import AnyEvent, Created, Edited
from core.people import SYSTEM, Actor, Directory
from core.plan import Plan
from core.ports.clock import Clock, Ids
from core.ports.plans import Change, Scope
from core.ports.requests import AcceptedRequest
from core.ports.store import Store, Writing
from core.pressure import Pressure
from core.replacing import replace
from core.timers import TimerKind, timers_of

BATCH = 64
"""How many requests share one commit at most."""
REUSED_KEY = Problem("key", "this key was used for another request; choose a new one")
"""What is wrong with a request whose key an earlier request with another fingerprint has."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a command: the plan after it, as far as it was loaded, and the events.

    `repeated` is whether the request had been accepted before, so that nothing happened this time. `replayed` is how
    many deliveries the request replayed when it was accepted.
    """

    plan: Plan
    events: Sequence[AnyEvent | Created] = ()
    repeated: bool = False
    replayed: int = 0


@dataclass(slots=True)
class _Request:
    command: c.AnyCommand
    actor: Actor
    key: str = ""
    fingerprint: str = ""

    @property
    def keys(self) -> list[str]:
        """The keys under which the request is stored."""
        return _keys(self.key, self.fingerprint)


@dataclass(slots=True, kw_only=True)
class _PendingRequest(_Request):
    """A request whose caller waits for `done`."""

    done: asyncio.Future[Outcome]


class Engine:
    """Executes commands on plans, durably, at most once per request key."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, environment: Environment, audit_key: bytes) -> None:
        self._store, self._clock, self._ids, self._audit_key = store, clock, ids, audit_key
        self._environment = environment
        self.pressure = Pressure()
        self._waiting: list[_PendingRequest] = []
        self._committing: asyncio.Task[None] | None = None
        self._listeners: list[Callable[[Sequence[str]], None]] = []

    @property
    def policy(self) -> Policy:
        """The settings that decisions depend on now."""
        return self._environment.policy

    @property
    def directory(self) -> Directory:
        """All people and groups as they are known now."""
        return self._environment.directory

    def listen(self, listener: Callable[[Sequence[str]], None]) -> None:
        """Call a function, on the event loop, with the ids of the plans that each commit changed."""
        self._listeners.append(listener)

    def has_written(self, entry: LogEntry, previous: str) -> bool:
        """Return whether a log entry is as it was written with the key of this installation, after another's hash."""
        return fits(entry, previous, self._audit_key)

    def context(self, actor: Actor) -> Context:
        """Return the context of a decision on what an actor requests now."""
        return Context(actor, self._clock.now(), self.directory, self.policy, self._ids)

    async def execute(self, command: c.AnyCommand, actor: Actor, key: str = "", fingerprint: str = "") -> Outcome:
        """Execute a command and return when its result is durable.

        A request that is repeated with the same `key` changes nothing and returns the present plan. Where senders
        choose their keys, `fingerprint` identifies the content of the request: Invalid is raised for the same key with
        another fingerprint. Raises a FabuError when the command is rejected. The operation log has the requests that
        were rejected for want of rights, and all rejected callbacks.
        """
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        request = _PendingRequest(command, actor, key, fingerprint, done=done)
        self._waiting.append(request)
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all())
        return await request.done

    async def find_accepted(self, key: str, fingerprint: str = "") -> AcceptedRequest | None:
        """Return the request that was accepted under a key; None when the key is new.

        Raises Invalid when it had another fingerprint, as `execute` does.
        """
        keys = _keys(key, fingerprint)
        found = await self._store.read(lambda reading: reading.requests.find(keys)) if keys else {}
        return _find_accepted(found, key, keys)

    async def drain(self) -> None:
        """Wait until all requests so far have their results."""
        if self._committing is not None:
            await self._committing

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                requests, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                self.pressure.record_batch(len(requests))
                await self._commit(requests)
        finally:
            self._committing = None

    async def _commit(self, requests: list[_PendingRequest], *, alone: bool = False) -> None:
        """Commit a batch. When that fails, commit each request alone, so that none fails because of another.

        The second time, a request that another replica has accepted meanwhile is recognized as repeated.
        """
        try:
            results = await self._store.write(lambda writing: _Batch(self, writing).run(requests))
        except Exception as error:  # noqa: BLE001 - every error is passed to the callers that wait
            if not (alone or isinstance(error, Unavailable)):
                for request in requests:
                    await self._commit([request], alone=True)
                return
            results = _Results([error] * len(requests))
        for request, result in zip(requests, results.answers, strict=True):
            if request.done.cancelled():
                continue
            if isinstance(result, Outcome):
                request.done.set_result(result)
            else:
                request.done.set_exception(result)
        self.notify_listeners(results.changed)

    def note(self, writing: Writing, notes: Sequence[c.AnyCommand]) -> Sequence[str]:
        """Execute commands of the system in the caller's transaction, so that both are committed or neither is.

        Rejected commands, such as those on a deleted plan, are left out. Returns the ids of the changed plans, which
        the caller passes to `notify_listeners` after the commit.
        """
        return _Batch(self, writing).run([_Request(note, SYSTEM) for note in notes]).changed if notes else ()

    def notify_listeners(self, changed: Sequence[str]) -> None:
        """Call the listeners, on the event loop, with the ids of the plans that a transaction changed."""
        for listener in self._listeners if changed else ():
            listener(changed)


@dataclass(slots=True)
class _Results:
    answers: Sequence[Outcome | Exception]
    changed: Sequence[str] = ()


@dataclass(slots=True)
class _TouchedPlan:
    """A plan in a batch: as loaded, as changed so far, and what has to be saved with it."""

    before: Plan | None
    after: Plan
    entries: list[LogEntry] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    requests: dict[str, AcceptedRequest] = field(default_factory=dict)
    drafts: list[tuple[Plan, PlanDraft]] = field(default_factory=list)


class _Batch:
    """One transaction of the engine, on the store's thread."""

    def __init__(self, engine: Engine, writing: Writing) -> None:
        self._engine, self._writing = engine, writing
        self._touched: dict[str, _TouchedPlan] = {}
        self._accepted: dict[str, AcceptedRequest] = {}

    def run(self, requests: Sequence[_Request]) -> _Results:
        keys = [key for request in requests for key in request.keys]
        self._accepted = dict(self._writing.requests.find(keys)) if keys else {}
        scopes: dict[str, Scope] = {}
        for request in requests:
            accepted = self._accepted.get(request.key)
            plan_id = accepted.plan_id if accepted else request.command.plan_id
            scopes[plan_id] = scopes.get(plan_id, Scope()) | scope_of(request.command)
        loaded = self._writing.plans.load(scopes)
        self._touched = {plan_id: _TouchedPlan(plan, plan) for plan_id, plan in loaded.items()}
        answers = [self._answer(request) for request in requests]
        changes = [self._change(touched) for touched in self._touched.values() if touched.entries or touched.requests]
        if changes:
            self._writing.plans.save(changes, self._engine._audit_key)
        return _Results(answers, [change.after.id for change in changes if change.entries])

    def _answer(self, request: _Request) -> Outcome | Exception:
        try:
            if accepted := _find_accepted(self._accepted, request.key, request.keys):
                return Outcome(self._find(accepted.plan_id).after, repeated=True, replayed=accepted.replayed)
            return self._execute(request)
        except FabuError as error:
            if isinstance(error, Forbidden) or isinstance(request.command, c.Callback):
                self._log_refusal(request, error)
            return error

    def _find(self, plan_id: str) -> _TouchedPlan:
        if plan_id not in self._touched:
            raise NotFound(Thing.PLAN, plan_id)
        return self._touched[plan_id]

    def _execute(self, request: _Request) -> Outcome:
        command, context = request.command, self._engine.context(request.actor)
        if isinstance(command, c.Create):
            pending = start(command, context)
            pending.plan = replace(pending.plan, number=self._writing.plans.next_number())
            touched = self._touched[command.plan_id] = _TouchedPlan(None, pending.plan)
        else:
            touched = self._find(command.plan_id)
            pending = decide(touched.after, command, context)
            if isinstance(command, c.Replay):
                self._writing.outbox.replay(command.deliveries, context.now)
        self._add(touched, request.actor, pending.plan, pending.events, context)
        accepted = AcceptedRequest(pending.plan.id, command.total if isinstance(command, c.Replay) else 0)
        known = dict.fromkeys(request.keys, accepted)
        touched.requests |= known
        self._accepted |= known
        return Outcome(touched.after, pending.events, replayed=accepted.replayed)

    def _add(
        self, touched: _TouchedPlan, actor: Actor, plan: Plan, events: Sequence[AnyEvent | Created], context: Context
    ) -> None:
        if not events:
            return
        before = touched.after if touched.entries else touched.before
        entries = entries_for(plan.id, plan.log_seq, plan.log_head, events, actor, context.now, self._engine._audit_key)
        touched.effects += effects_of(before, plan, events, context.policy, context.ids, context.now)
        touched.entries += entries
        touched.after = replace(plan, version=plan.version + 1, log_seq=entries[-1].seq, log_head=entries[-1].hash)
        for event in events:
            if isinstance(event, Created | Edited):
                touched.drafts.append((touched.after, event.draft))

    def _log_refusal(self, request: _Request, error: FabuError) -> None:
        touched = self._touched.get(request.command.plan_id)
        if touched is None or touched.after.deleted:
            return
        verb = getattr(request.command, "verb", type(request.command).__name__.lower())
        context = self._engine.context(request.actor)
        refusal = c.Refuse(plan_id=touched.after.id, refused_verb=str(verb), code=error.code)
        pending = decide(touched.after, refusal, context)
        self._add(touched, request.actor, pending.plan, pending.events, context)

    def _change(self, touched: _TouchedPlan) -> Change:
        return Change(
            before=touched.before,
            after=touched.after,
            entries=touched.entries,
            effects=_coalesce_syncs(touched.effects),
            timers=_timer_changes(touched.before, touched.after),
            drafts=touched.drafts,
            requests=touched.requests,
        )


def _keys(key: str, fingerprint: str) -> list[str]:
    """Return the keys under which a request is stored: its key alone, and its key joined with its fingerprint."""
    marked = f"{key}#{fingerprint}" if fingerprint else ""
    return [each for each in (key, marked) if key and each]


def _find_accepted(found: Mapping[str, AcceptedRequest], key: str, keys: Collection[str]) -> AcceptedRequest | None:
    """Return the accepted request with a key, or None. Raises Invalid when it had another fingerprint."""
    if key in found and not found.keys() >= set(keys):
        raise Invalid(REUSED_KEY)
    return found.get(key)


def _coalesce_syncs(effects: Sequence[Effect]) -> list[Effect]:
    """Return the effects with only the last `Sync` of each destination: it shows all changes of the batch."""
    last = {effect.destination: effect.id for effect in effects if isinstance(effect.payload, Sync)}
    return [e for e in effects if not isinstance(e.payload, Sync) or last[e.destination] == e.id]


def _timer_changes(before: Plan | None, after: Plan) -> dict[TimerKind, datetime | None]:
    old, new = timers_of(before) if before else {}, timers_of(after)
    return {kind: new.get(kind) for kind in TimerKind if old.get(kind) != new.get(kind)}


def scope_of(command: c.AnyCommand) -> Scope:
    """Return how much of a plan has to be loaded for a command."""
    match command:
        case c.Edit() | c.Finish() | c.Submit():
            return Scope(whole=True)
        case c.Replan() | c.Cancel():
            return Scope(all_items=True)
        case c.TimerFired(kind=TimerKind.SCHEDULE):
            return Scope(all_items=True)
        case c.ItemCommand() | c.ReportRun() | c.RefuseRun():
            return Scope(items=frozenset({command.item_id}))
        case _:
            return Scope()
