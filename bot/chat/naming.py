"""Finds the people whom a request names: by a mention, or by an id, an e-mail address or a name of the directory."""

from __future__ import annotations

import re
from typing import Final

from bot.people.identities import OWN_PLATFORMS, Identities
from core.chat import Inbound
from core.errors import Invalid, Problem, UnknownPerson
from core.people import Directory

_SEPARATORS: Final = re.compile(r"[,，、;；\n]+")
_QUOTES: Final = '"“”「」` '


async def find_person_id(identities: Identities, directory: Directory, inbound: Inbound, written: str) -> str:
    """Return the id of the person whom a text of a request names; a name of nobody as it is, for the engine to reject.

    A mention is that of a chat user. Every other `@` in a chat is a handle, which users choose for themselves, and
    which names nobody. Raises Invalid for handles, mentions of strangers, and names of several people.
    """
    written = written.strip(_QUOTES)
    if not written.startswith("@") or inbound.platform in OWN_PLATFORMS:
        return _find_id(directory, written, "to") or written
    params: dict[str, object] = {"name": written}
    if written[1:] not in inbound.mentions:
        raise Invalid(
            Problem(
                "to",
                "{name} cannot decide in your place: a handle names nobody; mention the person, or write their name, "
                "id or e-mail address",
                params,
            )
        )
    try:
        return (await identities.person(inbound.platform, written[1:])).id
    except UnknownPerson:
        raise Invalid(
            Problem("to", "{name} cannot decide in your place: Fabu does not know this user", params)
        ) from None


def find_approvers(directory: Directory, written: str) -> list[str]:
    """Return the ids and `@groups` in a list of people; what names nobody is returned as it is.

    Names with spaces are separated by commas or lines. Raises Invalid for names of several people.
    """
    found: list[str] = []
    for part in filter(None, map(str.strip, _SEPARATORS.split(written))):
        whole = _find_id(directory, part, "approvers")
        found += [whole] if whole else [_find_id(directory, word, "approvers") or word for word in part.split()]
    return found


def _find_id(directory: Directory, written: str, path: str) -> str:
    """Return the id of the one person with an id, e-mail address or name; empty for nobody."""
    people = directory.find(written)
    if len(people) > 1:
        names = ", ".join(person.id for person in people[:5])
        raise Invalid(
            Problem(path, "several people are called {name}: {names}; write the id", {"name": written, "names": names})
        )
    return people[0].id if people else ""
