"""Finds the person behind a chat user, by the id in the settings, or by a verified e-mail address or phone number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from core.engine import Engine
from core.errors import UnknownPerson
from core.people import Person
from core.ports.clock import Clock
from core.ports.messenger import Messenger
from core.ports.store import Store
from core.text import normalize_phone

_FRESH = timedelta(hours=12)
"""How long a match is used before it is looked up again."""
_FRESH_UNKNOWN = timedelta(seconds=20)
"""How long it is remembered that there is no match: who is added to the people can act within a minute."""
OWN_PLATFORMS = ("cli", "console")
"""Platforms on which Fabu authenticates people by tokens; on all others, a vendor authenticates its users."""


class Identities:
    """Maps chat users to people, and people to chat users. Matches are kept, and looked up again after twelve hours.

    That a user is unknown is remembered for some seconds, so that not each of their requests is one to the vendor.
    """

    def __init__(self, store: Store, engine: Engine, clock: Clock, messengers: Mapping[str, Messenger]) -> None:
        self._store, self._engine, self._clock, self._messengers = store, engine, clock, messengers
        self._found: dict[tuple[str, str], tuple[str, datetime]] = {}

    async def person(self, platform: str, user: str) -> Person:
        """Return the active person behind a chat user.

        Raises UnknownPerson when there is none.
        """
        directory = self._engine.directory
        if platform in OWN_PLATFORMS:
            person = directory.people.get(user)
        else:
            person = directory.accounts.get((platform, user)) or await self._look_up(platform, user)
        if person is None or not person.active:
            raise UnknownPerson(platform, user)
        return person

    async def _look_up(self, platform: str, user: str) -> Person | None:
        now = self._clock.now()
        known = self._found.get((platform, user)) or await self._store.read(
            lambda reading: reading.people.identity(platform, user)
        )
        if known is None or not _is_fresh(known, now):
            person_id = await self._match(platform, user)
            await self._store.write(
                lambda writing: (
                    writing.people.link(platform, user, person_id, now)
                    if person_id
                    else writing.people.unlink(platform, user)
                )
            )
            known = (person_id, now)
        self._found[platform, user] = known
        return self._engine.directory.people.get(known[0])

    async def _match(self, platform: str, user: str) -> str:
        """Return the id of the person who has the e-mail address or phone number of a chat user, empty for nobody."""
        contact = await self._messengers[platform].contact(user) if platform in self._messengers else None
        email, phone = contact or ("", "")
        phone = normalize_phone(phone)
        for person in self._engine.directory.people.values():
            if (email and person.email.lower() == email.lower()) or (phone and normalize_phone(person.phone) == phone):
                return person.id
        return ""

    async def user(self, platform: str, person: Person) -> str:
        """Return the chat user of a person: the listed one, or one with the same e-mail or phone; empty without one."""
        listed = person.accounts.get(platform, "")
        if listed or not (person.email or person.phone):
            return listed
        now = self._clock.now()
        cached = self._found.get((platform, f"person:{person.id}"))
        if cached and _is_fresh(cached, now):
            return cached[0]
        user = await self._messengers[platform].find_user(person.email, normalize_phone(person.phone))
        self._found[platform, f"person:{person.id}"] = (user, now)
        return user


def _is_fresh(match: tuple[str, datetime], now: datetime) -> bool:
    found, at = match
    return timedelta() <= now - at <= (_FRESH if found else _FRESH_UNKNOWN)  # the clock may have been set back
