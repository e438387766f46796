"""Endpoints of a plan's history: its operation log, its revisions, and what a revision changed."""

from __future__ import annotations

from bot.api.bodies import Against, LogPart
from bot.api.models import DiffAnswer, Listed, LogAnswer, VersionAnswer
from bot.api.routing import Call, Endpoint
from core.errors import NotFound, Thing
from core.ports.store import Reading
from core.revisions import History


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
    ref = call.ref("id", Thing.PLAN)
    found = await call.services.store.read(lambda reading: reading.plans.versions(reading.plans.id_of(ref)))
    return Listed[VersionAnswer](items=[VersionAnswer.of(version, with_code=call.actor.admin) for version in found])


async def diff(call: Call[None, Against]) -> DiffAnswer:
    """Compare a revision with another one, by default with the one before; the first one with an empty plan.

    A credential that changed has the mask before and after.
    """
    plan, ref, against = call.ref("id", Thing.PLAN), call.ref("n", Thing.VERSION), call.query.against
    if not ref.isdecimal():
        raise NotFound(Thing.VERSION, ref)

    def load(reading: Reading) -> History:
        return History.load(reading, reading.plans.get(reading.plans.id_of(plan)))

    found = (await call.services.store.read(load)).compare(int(ref), against)
    return DiffAnswer(revision=found.revision, against=found.against, differences=list(found.differences))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/plans/{id}/log", summary="Read the operation log of a plan", handler=list_log,
             answer=Listed[LogAnswer], query=LogPart, refusals=(404,)),
    Endpoint(method="GET", path="/plans/{id}/versions", summary="List the revisions of a plan", handler=list_versions,
             answer=Listed[VersionAnswer], refusals=(404,)),
    Endpoint(method="GET", path="/plans/{id}/versions/{n}/diff", summary="Tell what a revision changed", handler=diff,
             answer=DiffAnswer, query=Against, refusals=(404,)),
)  # fmt: skip
