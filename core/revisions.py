"""Compares revisions of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.audit import LogEntry
from core.differences import Difference, differences
from core.errors import NotFound
from core.events import Edited, Voted
from core.messages import Message
from core.plan import Decision, Plan
from core.ports.plans import Version
from core.ports.store import Reading


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two revisions of a plan; `against` is 0 when `revision` is compared with an empty plan.

    `before` and `after` are their contents, with credentials masked.
    """

    revision: int
    against: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Since:
    """What differs from the revision that a person was shown before, and the reason for which they rejected that."""

    comparison: Comparison
    rejected: str | None = None


def compare_with_seen(reading: Reading, plan: Plan, person: str) -> Since | None:
    """Compare the present revision with the last one before it that a person was shown; None if there was none."""
    shown = [revision for revision in reading.seen.revisions(plan.id, person) if revision < plan.revision]
    if not shown:
        return None
    comparison = compare_revisions(reading, plan.id, plan.revision, shown[-1])
    return Since(comparison, _rejection(reading, plan.id, person, shown[-1]))


def _rejection(reading: Reading, plan_id: str, person: str, revision: int) -> str | None:
    """Return the reason for which a person rejected a revision; None if they did not."""
    for entry in _entries(reading, plan_id, Voted.name):
        vote = entry.details
        if vote.get("revision") == revision and vote["decision"] == Decision.REJECT.value and entry.actor == person:
            return str(vote.get("comment", ""))
    return None


def compare_revisions(
    reading: Reading, plan_id: str, revision: int | None = None, against: int | None = None
) -> Comparison:
    """Compare a revision, by default the newest, with another one, by default with the one before.

    A credential that changed has the mask before and after. Raises NotFound when the plan has no such revision.
    """
    newest = reading.plans.get(plan_id).revision
    after = newest if revision is None else revision
    before = after - 1 if against is None else against
    found = [version for version in reading.plans.versions(plan_id) if version.revision <= newest]
    new = _version_of(after, found, newest)
    if not before:
        return Comparison(after, 0, {}, new.content, tuple(differences({}, new.content)))
    old = _version_of(before, found, newest)
    first, last = sorted((found.index(old), found.index(new)))
    secrets = _credential_changes(_edits(reading, plan_id)[first:last])
    changed = (*differences(old.content, new.content), *secrets)
    return Comparison(after, before, old.content, new.content, changed)


def _version_of(revision: int, versions: Sequence[Version], newest: int) -> Version:
    """Return the newest version up to a revision, for not every revision has one."""
    found = [each for each in versions if each.revision <= revision <= newest]
    if not found:
        raise NotFound(Message("This plan has no revision {ref}.", {"ref": str(revision)}))
    return found[-1]


def _credential_changes(edits: Iterable[LogEntry]) -> Iterable[Difference]:
    """Return the credentials that edits changed, each once, as the log has them: versions hold only masks."""
    places = (Difference(**place) for edit in edits for place in edit.details.get("differences", ()))
    return {place.path: place for place in places if place.is_credential}.values()


def _edits(reading: Reading, plan_id: str) -> list[LogEntry]:
    """Return the log entries of a plan's edits in their order: each made a version, after the first one."""
    return list(_entries(reading, plan_id, Edited.name))


def _entries(reading: Reading, plan_id: str, event: str) -> Iterator[LogEntry]:
    seq = 0
    while entries := reading.log.of_plan(plan_id, seq):
        yield from (entry for entry in entries if entry.event == event)
        seq = entries[-1].seq
