"""The operation log: the entry of each event, and the hash chain that reveals changes to stored entries.

Each entry's hash is an HMAC-SHA256 over the previous entry's hash and the canonical JSON of the entry, with a key that
is not in the database. An edit, a removal or a change of order breaks the chain. The removal of the newest entries is
found by comparison with the newest hash, which is also sent elsewhere (the plan's thread, outgoing hooks).

The entries of all plans together are linked in a second chain, in the order of their commits: the removal of a plan
with its whole log breaks it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from core.draft import PlanDraft
from core.encoding import encode_canonical_json
from core.event import Event
from core.events import EVENTS, AnyEvent, Created
from core.messages import NO_MESSAGE, Message
from core.people import Actor
from core.plan import AppliedPolicy, Check, Controls, Item, Run
from core.replacing import replace


@dataclass(frozen=True)  # without slots: `core.replacing`
class LogEntry:
    """One line of a plan's operation log. `seq` counts from 1 per plan; `id` counts over all plans once stored.

    `link_seq` counts the entries of all plans without a gap, and `link` is the hash that chains them. Entries of
    versions without this chain have neither.
    """

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
    link_seq: int = 0
    link: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of the chain over all plans: its number and its link."""

    seq: int = 0
    link: str = ""


_CHAINED = [f.name for f in fields(LogEntry) if f.name not in ("hash", "id", "at", "link_seq", "link")]
_HIDDEN = ("instance_code", "origin", "nonce", "items", "draft", "stages", "item_digests", "alarms")
"""Fields that are stored elsewhere, or that nobody who reads the log may know: `origin` has Zadig's instance code."""
_STORED = {name: tuple(f.name for f in fields(event) if f.name not in _HIDDEN) for name, event in EVENTS.items()}
"""The fields of each event that the log stores, by its name."""


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
    return hmac.digest(key, previous.encode() + encode_canonical_json(content).encode(), "sha256").hex()


def fits(entry: LogEntry, previous: str, key: bytes) -> bool:
    """Return whether an entry was written with a key, after one with the hash `previous`."""
    return hmac.compare_digest(entry_hash(previous, entry, key), entry.hash)


def link_entries(entries: Iterable[LogEntry], head: Head, key: bytes) -> list[LogEntry]:
    """Return chained entries linked in their order to those of all plans, of which `head` is the newest."""
    linked, seq, link = list[LogEntry](), head.seq, head.link
    for entry in entries:
        seq += 1
        link = entry_link(link, seq, entry, key)
        linked.append(replace(entry, link_seq=seq, link=link))
    return linked


def entry_link(previous: str, seq: int, entry: LogEntry, key: bytes) -> str:
    """Return the link of the entry `seq` of all plans, after one with the link `previous`, as 64 hexadecimal digits."""
    content = encode_canonical_json([previous, seq, entry.plan_id, entry.seq, entry.hash])
    return hmac.digest(key, content.encode(), "sha256").hex()


def first_broken_entry(entries: Iterable[LogEntry], key: bytes) -> LogEntry | None:
    """Return the first entry of a plan's whole log whose number or hash does not follow from those before, or None."""
    previous = ""
    for seq, entry in enumerate(entries, 1):
        if entry.seq != seq or not fits(entry, previous, key):
            return entry
        previous = entry.hash
    return None


def details_of(event: Event) -> dict[str, Any]:
    """Return the details that the log stores of an event, as JSON values. Drafts are stored as versions instead.

    A message is stored in English under its own name, which the API and exports show, and under `messages` as what
    `message_in` returns.
    """
    details, messages = dict[str, Any](), dict[str, Any]()
    for name in _STORED[event.name]:
        value = getattr(event, name)
        if _is_given(value):
            details[name] = _to_json(value)
        if isinstance(value, Message) and not value.is_verbatim:
            messages[name] = value.to_json()
    return details | ({"messages": messages} if messages else {})


def message_in(details: Mapping[str, Any], name: str) -> Message:
    """Return a detail as the message that it is; what a person or an earlier version wrote is verbatim."""
    return Message.from_json(details.get("messages", {}).get(name, str(details.get(name, ""))))


def _is_given(value: object) -> bool:
    """Return whether a field has a value: the log stores no empty ones."""
    return value not in ("", (), None, NO_MESSAGE)


def _to_json(value: object) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Run() | Check() | Controls() | AppliedPolicy():
            return {f.name: _to_json(inner) for f in fields(value) if _is_given(inner := getattr(value, f.name))}
        case Message():
            return str(value)
        case tuple():
            return [_to_json(inner) for inner in value]
        case Item() | PlanDraft():
            raise TypeError("content belongs to the versions of a plan")
        case _:
            return value
