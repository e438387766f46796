"""The operation log: the entry of each event, and the hash chain that reveals changes to stored entries.

Each entry's hash is an HMAC-SHA256 over the previous entry's hash and the canonical JSON of the entry, with a key that
is not in the database. An edit, a removal or a change of order breaks the chain. The removal of the newest entries is
found by comparison with the newest hash, which is also sent elsewhere (the plan's thread, outgoing hooks).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum
from typing import Any

from core.draft import PlanDraft
from core.event import Event
from core.events import AnyEvent, Created
from core.people import Actor
from core.plan import Check, Item, Run


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a plan's operation log. `seq` counts from 1 per plan; `id` counts over all plans once stored."""

    plan_id: str
    seq: int
    at: datetime
    actor: str
    actor_kind: str
    via: str
    event: str
    details: Mapping[str, Any]
    hash: str = ""
    id: int = 0


_CHAINED = [f.name for f in fields(LogEntry) if f.name not in ("hash", "id", "at")]
_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=dict).encode


def entries_for(
    plan_id: str, seq: int, head: str, events: Iterable[AnyEvent | Created], actor: Actor, at: datetime, key: bytes
) -> list[LogEntry]:
    """Return the chained entries for events that follow the entry `seq` whose hash is `head`."""
    entries = []
    for event in events:
        seq += 1
        entry = LogEntry(plan_id, seq, at, actor.id, actor.kind.value, actor.via, event.name, details_of(event))
        head = entry_hash(head, entry, key)
        entries.append(replace(entry, hash=head))
    return entries


def entry_hash(previous: str, entry: LogEntry, key: bytes) -> str:
    """Return the hash of an entry that follows one with the hash `previous`, as 64 hexadecimal digits."""
    content = {name: getattr(entry, name) for name in _CHAINED} | {"at": entry.at.timestamp()}
    return hmac.new(key, previous.encode() + _canonical(content).encode(), "sha256").hexdigest()


def first_broken_entry(entries: Iterable[LogEntry], key: bytes) -> LogEntry | None:
    """Return the first entry of a plan's whole log whose number or hash does not follow from those before, or None."""
    previous = ""
    for seq, entry in enumerate(entries, 1):
        if entry.seq != seq or not hmac.compare_digest(entry_hash(previous, entry, key), entry.hash):
            return entry
        previous = entry.hash
    return None


def details_of(event: Event) -> dict[str, Any]:
    """Return the details that the log stores of an event, as JSON values. Drafts are stored as versions instead."""
    hidden = ("instance_code", "nonce", "items", "draft")
    return {
        f.name: _to_json(value)
        for f in fields(event)
        if f.name not in hidden and (value := getattr(event, f.name)) not in ("", ())
    }


def _to_json(value: object) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case Run() | Check():
            return {
                f.name: _to_json(inner) for f in fields(value) if (inner := getattr(value, f.name)) not in ("", None)
            }
        case tuple():
            return [_to_json(inner) for inner in value]
        case Item() | PlanDraft():
            raise TypeError("content belongs to the versions of a plan")
        case _:
            return value
