"""Stores the people and groups of the settings or of an import, and loads the directory of everybody."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from config.settings import PersonEntry, Settings
from core.errors import Conflict
from core.people import Directory, Group, Person
from core.ports.store import Store, Writing
from core.text import remove_invisible


async def load_people(
    settings: Settings,
    store: Store,
    chats: Collection[str],
    now: datetime,
    *,
    imported: bool = False,
    remove: bool = True,
) -> Directory:
    """Add the people and groups of the settings to the store, or replace them, and return everybody in the store.

    `chats` are the platforms for which an entry may name an account. `imported` is whether the entries come from an
    import. With `remove`, those of the same origin who are not listed any more lose their rights: people are inactive
    and their tokens are revoked, groups have no members. They stay in the store, since plans and logs name them.
    """
    before = await store.read(lambda reading: reading.people.directory()) if remove else Directory()
    people, groups = _listed(settings, before, chats, imported=imported)
    tokens = await store.read(lambda reading: reading.people.tokens())
    left = {person.id for person in people if not person.active}
    revoked = [token.id for token in tokens if token.person in left and token.revoked_at is None]

    def write(writing: Writing) -> None:
        writing.people.put(people, groups)
        for token in revoked:
            writing.people.revoke_token(token, now)

    try:
        await store.write(write)
    except Conflict:  # another server that starts at the same time has just added the same people
        await store.write(write)
    return await store.read(lambda reading: reading.people.directory())


def expected_people(settings: Settings, before: Directory, chats: Collection[str]) -> Directory:
    """Return whom a server with these settings would know, if its store knows others already; nothing is stored."""
    people, groups = _listed(settings, before, chats, imported=False)
    return Directory(
        {**before.people, **{person.id: person for person in people}},
        {**before.groups, **{group.id: group for group in groups}},
    )


def _listed(
    settings: Settings, before: Directory, chats: Collection[str], *, imported: bool
) -> tuple[list[Person], list[Group]]:
    """Return the people and groups of the settings, and those of the same origin before, who lose their rights."""
    admins = set(settings.auth.admins)
    people = [_person_of(entry, chats, admin=entry.id in admins, imported=imported) for entry in settings.people]
    people += _find_left(before, {person.id for person in people}, imported=imported)
    groups = [Group(entry.id, entry.members, imported) for entry in settings.groups]
    kept = {group.id for group in groups}
    old = (group for group in before.groups.values() if group.imported == imported and group.id not in kept)
    return people, [*groups, *(replace(group, members=()) for group in old)]


def _find_left(before: Directory, listed: Collection[str], *, imported: bool) -> list[Person]:
    """Return the people of an origin who are not listed any more, without their rights."""
    return [
        replace(person, active=False, admin=False)
        for person in before.people.values()
        if person.imported == imported and person.id not in listed
    ]


def _person_of(entry: PersonEntry, chats: Collection[str], *, admin: bool, imported: bool) -> Person:
    accounts = {chat: user for chat in chats if (user := getattr(entry, chat))}
    own = entry.model_dump(exclude=set(chats)) | {"name": remove_invisible(entry.name).strip() or entry.id}
    return Person(**own, accounts=accounts, admin=admin, imported=imported)
