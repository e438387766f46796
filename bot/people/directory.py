"""Stores the people and groups of the settings, and loads the directory of everybody."""

from __future__ import annotations

from collections.abc import Collection

from config.settings import PersonEntry, Settings
from core.people import Directory, Group, Person
from core.ports.store import Store
from core.text import remove_invisible


async def load_people(settings: Settings, store: Store, chats: Collection[str]) -> Directory:
    """Add the people and groups of the settings to the store, or replace them, and return everybody in the store.

    `chats` are the platforms for which an entry may name an account.
    """
    admins = set(settings.auth.admins)
    people = [_person_of(entry, chats, admin=entry.id in admins) for entry in settings.people]
    groups = [Group(entry.id, entry.members) for entry in settings.groups]
    await store.write(lambda writing: writing.people.put(people, groups))
    return await store.read(lambda reading: reading.people.directory())


def _person_of(entry: PersonEntry, chats: Collection[str], *, admin: bool) -> Person:
    accounts = {chat: user for chat in chats if (user := getattr(entry, chat))}
    own = entry.model_dump(exclude=set(chats)) | {"name": remove_invisible(entry.name).strip() or entry.id}
    return Person(**own, accounts=accounts, admin=admin)
