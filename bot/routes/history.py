"""What has happened to a plan: its operation log and its versions."""

from __future__ import annotations

from typing import Any

from bot.routes.bodies import Against, LogPart
from bot.routes.differences import differences
from bot.routes.models import DiffAnswer, Listed, LogAnswer, VersionAnswer
from bot.routes.routing import Call, Endpoint
from core.errors import NotFound
from core.ports import Reading, Version


async def log(call: Call[None, LogPart]) -> Listed[LogAnswer]:
    """List a plan's log entries in order; `next_cursor` is the next `after`."""
    ref, asked = call.ref("id", "plan"), call.query
    entries = await call.services.store.read(
        lambda reading: reading.log(reading.plan_id(ref), asked.after, asked.limit + 1)
    )
    shown = entries[: asked.limit]
    more = str(shown[-1].seq) if len(entries) > asked.limit else ""
    return Listed[LogAnswer](items=[LogAnswer.of(entry) for entry in shown], next_cursor=more)


async def versions(call: Call[None, None]) -> Listed[VersionAnswer]:
    """List the revisions of a plan, the oldest first."""
    return Listed[VersionAnswer](items=[VersionAnswer.of(version) for version in await _versions(call)])


async def diff(call: Call[None, Against]) -> DiffAnswer:
    """Tell what a revision changed since another one; since nothing, for the first."""
    number = call.ref("n", "version")
    contents = {str(version.revision): version for version in await _versions(call)}
    if number not in contents:
        raise NotFound(what="version", ref=number)
    after = contents[number]
    earlier = [version.revision for version in contents.values() if version.revision < after.revision]
    against = call.query.against if call.query.against is not None else max(earlier, default=0)
    if against and str(against) not in contents:
        raise NotFound(what="version", ref=against)
    before = contents[str(against)].content if against else {}
    found = list(differences(before, after.content))
    return DiffAnswer(revision=after.revision, against=against, differences=found)


async def _versions(call: Call[Any, Any]) -> list[Version]:
    ref = call.ref("id", "plan")

    def query(reading: Reading) -> list[Version]:
        return reading.versions(reading.plan_id(ref))

    return await call.services.store.read(query)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/plans/{id}/log", summary="Read the operation log of a plan", handler=log,
             answer=Listed[LogAnswer], query=LogPart, refusals=(404,)),
    Endpoint(method="GET", path="/plans/{id}/versions", summary="List the revisions of a plan", handler=versions,
             answer=Listed[VersionAnswer], refusals=(404,)),
    Endpoint(method="GET", path="/plans/{id}/versions/{n}/diff", summary="Tell what a revision changed", handler=diff,
             answer=DiffAnswer, query=Against, refusals=(404,)),
)  # fmt: skip
