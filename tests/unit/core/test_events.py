"""What every event says of itself."""

from __future__ import annotations

from core import events
from core.event import Event
from core.events import EVENTS


def test_every_event_is_registered_under_a_name_of_its_own() -> None:
    kinds = [each for each in vars(events).values() if isinstance(each, type) and issubclass(each, Event)]
    named = [kind for kind in kinds if "name" in vars(kind)]
    assert len(named) > 30
    assert sorted(EVENTS.items(), key=str) == sorted(((kind.name, kind) for kind in named), key=str)


def test_what_changes_no_card_is_not_reported_below_one() -> None:
    unchanged = [event for event in EVENTS.values() if not event.changes_cards]
    assert unchanged
    assert [event for event in unchanged if event.in_thread or event.changes_closed_cards] == []
