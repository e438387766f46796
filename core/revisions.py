"""Compares revisions of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.audit import LogEntry
from core.differences import Difference, differences
from core.errors import NotFound
from core.events import Edited, Voted
from core.messages import Message
from core.plan import Decision, Plan
from core.ports.plans import Version
from core.ports.store import Reading

_OWN: Final = frozenset({"name", "manager", "window", "schedule_at", "description", "jira_sprints"})
"""The fields in which every plan differs from the one it was copied from."""


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
    """What differs from the revision that a person was shown before, and the reason for which they rejected that.

    For a person who was shown none, it is what differs from the plan with the number `success`: the last one of the
    same lineage that succeeded.
    """

    comparison: Comparison
    rejected: str | None = None
    success: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """The revisions of a plan as far as they are stored, and what its log says of its edits and votes.

    Every edit made a version after the first one.
    """

    newest: int
    versions: Sequence[Version]
    edits: Sequence[LogEntry]
    votes: Sequence[LogEntry]

    @classmethod
    def load(cls, reading: Reading, plan: Plan) -> History:
        """Read the history of a plan up to its present revision."""
        versions = [each for each in reading.plans.versions(plan.id) if each.revision <= plan.revision]
        entries = [each for each in _entries(reading, plan.id) if each.event in (Edited.name, Voted.name)]
        edits, votes = ([each for each in entries if each.event == event.name] for event in (Edited, Voted))
        return cls(plan.revision, versions, edits, votes)

    def compare(self, revision: int | None = None, against: int | None = None) -> Comparison:
        """Compare a revision, by default the newest, with another one, by default with the one before.

        A credential that changed has the mask before and after. Raises NotFound when the plan has no such revision.
        """
        after = self.newest if revision is None else revision
        before = after - 1 if against is None else against
        new = self._version(after)
        if not before:
            return Comparison(after, 0, {}, new.content, tuple(differences({}, new.content)))
        old = self._version(before)
        first, last = sorted((self.versions.index(old), self.versions.index(new)))
        secrets = _credential_changes(self.edits[first:last])
        changed = (*differences(old.content, new.content), *secrets)
        return Comparison(after, before, old.content, new.content, changed)

    def since(self, person: str, seen: Sequence[int]) -> Since | None:
        """Compare the newest revision with the last one before it that a person has seen; None if there was none."""
        earlier = [revision for revision in seen if revision < self.newest]
        if not earlier:
            return None
        return Since(self.compare(self.newest, earlier[-1]), self._rejection(person, earlier[-1]))

    def _version(self, revision: int) -> Version:
        """Return the newest version up to a revision, for not every revision has one."""
        found = [each for each in self.versions if each.revision <= revision <= self.newest]
        if not found:
            raise NotFound(Message("This plan has no revision {ref}.", {"ref": str(revision)}))
        return found[-1]

    def _rejection(self, person: str, revision: int) -> str | None:
        """Return the reason for which a person rejected a revision; None if they did not."""
        for entry in self.votes:
            vote = entry.details
            if vote.get("revision") == revision and vote["decision"] == Decision.REJECT.value and entry.actor == person:
                return str(vote.get("comment", ""))
        return None


def compare_for_readers(reading: Reading, plan: Plan, people: Iterable[str]) -> dict[str, Since]:
    """Compare the present revision, for each person, with the last one before it that the person was shown.

    For those who were shown none, it is compared with the last success of its lineage; without one, they are left out.
    """
    seen = {person: reading.seen.revisions(plan.id, person) if plan.revision > 1 else () for person in people}
    history, success = History.load(reading, plan) if any(seen.values()) else None, _compare_with_success(reading, plan)
    found = ((person, history and history.since(person, revisions)) for person, revisions in seen.items())
    return {person: since for person, shown in found if (since := shown or success)}


def _compare_with_success(reading: Reading, plan: Plan) -> Since | None:
    """Compare a copy with the last plan of its lineage that succeeded, but for what each plan has of its own."""
    success = reading.plans.last_success(plan) if plan.lineage else None
    if success is None:
        return None
    old, new = (History.load(reading, each).compare(against=0) for each in (success, plan))
    found = (each for each in differences(old.after, new.after) if each.field not in _OWN)
    comparison = Comparison(new.revision, old.revision, old.after, new.after, tuple(found))
    return Since(comparison, success=success.number)


def _credential_changes(edits: Iterable[LogEntry]) -> Iterable[Difference]:
    """Return the credentials that edits changed, each once, as the log has them: versions hold only masks."""
    places = (Difference(**place) for edit in edits for place in edit.details.get("differences", ()))
    return {place.path: place for place in places if place.is_credential}.values()


def _entries(reading: Reading, plan_id: str) -> Iterator[LogEntry]:
    seq = 0
    while entries := reading.log.of_plan(plan_id, seq):
        yield from entries
        seq = entries[-1].seq
