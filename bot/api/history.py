"""Endpoints of a plan's history: its operation log, its revisions, and what a revision changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.api.bodies import Against, LogPart
from bot.api.models import DiffAnswer, Listed, LogAnswer, VersionAnswer
from bot.api.routing import Call, Endpoint
from core.differences import differences
from core.errors import NotFound, Thing
from core.messages import Message
from core.ports.plans import Version
from core.ports.store import Reading


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
    """Compare a revision with another one, by default with the one before; the first one with an empty plan."""
    newest, found = await _versions(call)

    def content_of(ref: str) -> Mapping[str, Any]:
        """Return the content of a revision: that of the newest version up to it, for not every revision has one."""
        contents = [each.content for each in found if ref.isdecimal() and each.revision <= int(ref) <= newest]
        if not contents:
            raise NotFound(Message("This plan has no revision {ref}.", {"ref": ref}))
        return contents[-1]

    ref = call.ref("n", Thing.VERSION)
    after = content_of(ref)
    against = int(ref) - 1 if call.query.against is None else call.query.against
    before = content_of(str(against)) if against else {}
    return DiffAnswer(revision=int(ref), against=against, differences=list(differences(before, after)))


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
