"""What has happened to a plan: its operation log and its versions."""

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


async def log(call: Call[None, LogPart]) -> Listed[LogAnswer]:
    """List a plan's log entries in order; `next_cursor` is the next `after`."""
    ref, asked = call.ref("id", Thing.PLAN), call.query
    entries = await call.services.store.read(
        lambda reading: reading.log.of_plan(reading.plans.id_of(ref), asked.after, asked.limit + 1)
    )
    shown = entries[: asked.limit]
    more = str(shown[-1].seq) if len(entries) > asked.limit else ""
    return Listed[LogAnswer](items=[LogAnswer.of(entry) for entry in shown], next_cursor=more)


async def versions(call: Call[None, None]) -> Listed[VersionAnswer]:
    """List the revisions of a plan that changed it, the oldest first."""
    _, found = await _versions(call)
    return Listed[VersionAnswer](items=[VersionAnswer.of(version) for version in found])


async def diff(call: Call[None, Against]) -> DiffAnswer:
    """Tell what a revision changed since another one, or since the one before; since nothing, for the first."""
    newest, found = await _versions(call)

    def content(ref: str) -> Mapping[str, Any]:
        """Return what a revision said. A plan that was only taken back says what it said before."""
        contents = [each.content for each in found if ref.isdecimal() and each.revision <= int(ref) <= newest]
        if not contents:
            raise NotFound(Message("This plan has no revision {ref}.", {"ref": ref}))
        return contents[-1]

    ref = call.ref("n", Thing.VERSION)
    after = content(ref)
    against = int(ref) - 1 if call.query.against is None else call.query.against
    before = content(str(against)) if against else {}
    return DiffAnswer(revision=int(ref), against=against, differences=list(differences(before, after)))


async def _versions(call: Call[Any, Any]) -> tuple[int, list[Version]]:
    """Return a plan's newest revision, and what those said that changed something."""
    ref = call.ref("id", Thing.PLAN)

    def query(reading: Reading) -> tuple[int, list[Version]]:
        plan_id = reading.plans.id_of(ref)
        return reading.plans.get(plan_id).revision, reading.plans.versions(plan_id)

    return await call.services.store.read(query)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/plans/{id}/log", summary="Read the operation log of a plan", handler=log,
             answer=Listed[LogAnswer], query=LogPart, refusals=(404,)),
    Endpoint(method="GET", path="/plans/{id}/versions", summary="List the revisions of a plan", handler=versions,
             answer=Listed[VersionAnswer], refusals=(404,)),
    Endpoint(method="GET", path="/plans/{id}/versions/{n}/diff", summary="Tell what a revision changed", handler=diff,
             answer=DiffAnswer, query=Against, refusals=(404,)),
)  # fmt: skip
