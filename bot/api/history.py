"""Endpoints of a plan's history: its operation log, its revisions, and what a revision changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.api.bodies import Against, LogPart
from bot.api.models import DiffAnswer, Listed, LogAnswer, VersionAnswer
from bot.api.routing import Call, Endpoint
from core.audit import LogEntry
from core.differences import Difference, differences
from core.errors import NotFound, Thing
from core.events import Edited
from core.messages import Message
from core.ports.plans import Version
from core.ports.store import Reading
from core.workflow import MASK


async def list_log(call: Call[None, LogPart]) -> Listed[LogAnswer]:
    """List the log entries of a plan, the oldest first."""
    ref, query = call.ref("id", Thing.PLAN), call.query
    after = query.cursor or query.after
    entries = await call.services.store.read(
        lambda reading: reading.log.of_plan(reading.plans.id_of(ref), after, query.limit + 1)
    )
    part = entries[: query.limit]
    more = str(part[-1].seq) if len(entries) > query.limit else ""
    return Listed[LogAnswer](items=[LogAnswer.of(entry) for entry in part], next_cursor=more)


async def list_versions(call: Call[None, None]) -> Listed[VersionAnswer]:
    """List the revisions that changed the content of a plan, the oldest first."""
    _, found = await _versions(call)
    return Listed[VersionAnswer](items=[VersionAnswer.of(version) for version in found])


async def diff(call: Call[None, Against]) -> DiffAnswer:
    """Compare a revision with another one, by default with the one before; the first one with an empty plan.

    A credential that changed has the mask before and after.
    """
    newest, found = await _versions(call)

    def version_of(ref: str) -> Version:
        """Return the newest version up to a revision, for not every revision has one."""
        versions = [each for each in found if ref.isdecimal() and each.revision <= int(ref) <= newest]
        if not versions:
            raise NotFound(Message("This plan has no revision {ref}.", {"ref": ref}))
        return versions[-1]

    ref = call.ref("n", Thing.VERSION)
    after = version_of(ref)
    against = int(ref) - 1 if call.query.against is None else call.query.against
    if not against:
        return DiffAnswer(revision=int(ref), against=0, differences=list(differences({}, after.content)))
    before = version_of(str(against))
    first, last = sorted((found.index(before), found.index(after)))
    secrets = _credential_changes((await _edits(call))[first:last])
    return DiffAnswer(
        revision=int(ref), against=against, differences=[*differences(before.content, after.content), *secrets]
    )


def _credential_changes(edits: Iterable[LogEntry]) -> Iterable[Difference]:
    """Return the credentials that edits changed, each once, as the log has them: versions hold only masks."""
    places = (Difference(**place) for edit in edits for place in edit.details.get("differences", ()))
    return {place.path: place for place in places if place.before == place.after == MASK}.values()


async def _edits(call: Call[Any, Any]) -> list[LogEntry]:
    """Return the log entries of a plan's edits in their order: each made a version, after the first one."""
    ref = call.ref("id", Thing.PLAN)

    def query(reading: Reading) -> list[LogEntry]:
        plan_id, edits, seq = reading.plans.id_of(ref), list[LogEntry](), 0
        while entries := reading.log.of_plan(plan_id, seq):
            edits += [entry for entry in entries if entry.event == Edited.name]
            seq = entries[-1].seq
        return edits

    return await call.services.store.read(query)


async def _versions(call: Call[Any, Any]) -> tuple[int, list[Version]]:
    """Return the number of a plan's newest revision, and the plan's versions, the oldest first."""
    ref = call.ref("id", Thing.PLAN)

    def query(reading: Reading) -> tuple[int, list[Version]]:
        plan_id = reading.plans.id_of(ref)
        return reading.plans.get(plan_id).revision, reading.plans.versions(plan_id)

    return await call.services.store.read(query)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/plans/{id}/log", summary="Read the operation log of a plan", handler=list_log,
             answer=Listed[LogAnswer], query=LogPart, refusals=(404,)),
    Endpoint(method="GET", path="/plans/{id}/versions", summary="List the revisions of a plan", handler=list_versions,
             answer=Listed[VersionAnswer], refusals=(404,)),
    Endpoint(method="GET", path="/plans/{id}/versions/{n}/diff", summary="Tell what a revision changed", handler=diff,
             answer=DiffAnswer, query=Against, refusals=(404,)),
)  # fmt: skip
