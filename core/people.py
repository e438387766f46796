"""People and groups, and the actors on whose behalf commands are executed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from core.errors import Forbidden, MissingScope
from core.messages import Message
from core.text import join_names, normalize_name


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who drafts, approves or runs plans; `id` is stable and is what plans and the log refer to.

    `accounts` has the vendor's id of the person by platform, for the chats in which it is known. `imported`
    is whether the person comes from an import, not from the settings.
    """

    id: str
    name: str
    email: str = ""
    phone: str = ""
    accounts: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    timezone: str = ""
    active: bool = True
    admin: bool = False
    imported: bool = False

    def may_have_account(self, platform: str) -> bool:
        """Return whether an account on a platform is known, or can be looked up by e-mail address or phone number."""
        return bool(self.accounts.get(platform) or self.email or self.phone)


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of people, written `@id` where approvers are listed."""

    id: str
    members: tuple[str, ...]
    imported: bool = False


class ActorKind(StrEnum):
    """What sort of party acts."""

    PERSON = "person"
    SYSTEM = "system"
    EXTERNAL = "external"


class TokenScope(StrEnum):
    """What a token or session lets its person do: each verb and each endpoint needs one."""

    READ = "read"
    PLAN = "plan"
    DECIDE = "decide"
    EXECUTE = "execute"
    ADMIN = "admin"


EVERY_SCOPE: Final = frozenset(TokenScope)
"""What people may do who are identified by their chat, and what tokens of versions without scopes may do."""
USUAL_SCOPES: Final = EVERY_SCOPE - {TokenScope.ADMIN}
"""The scopes of a token that is made without any being named."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody acts with. `token` is the id of an API token or session; empty for who is identified otherwise."""

    scopes: frozenset[TokenScope] = EVERY_SCOPE
    token: str = ""


FULL: Final = Credential()
"""The credential of people who are identified by their chat, and of systems."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The party on whose behalf a command is executed, as a signature or a token has proven it.

    `via` names where the command came from: slack, feishu, dingtalk, api, console, cli, callback, timer, runner.
    """

    id: str
    kind: ActorKind = ActorKind.PERSON
    via: str = ""
    admin: bool = False
    credential: Credential = FULL

    def require(self, scope: TokenScope) -> None:
        """Raise MissingScope unless the credential has a scope."""
        if scope not in self.credential.scopes:
            raise MissingScope(scope=scope)


SYSTEM = Actor("system", ActorKind.SYSTEM, "timer")
EXTERNAL = Actor("external", ActorKind.EXTERNAL, "callback")

GATE = "gate:"
"""The prefix of the ids of systems that request approvals; no person's id has a colon."""


def gate(system: str) -> Actor:
    """Return the actor that another system is: it requests approvals by plans that it creates."""
    return Actor(GATE + system, ActorKind.EXTERNAL, system)


@dataclass(frozen=True)
class Directory:
    """An immutable snapshot of all people and groups."""

    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)

    @cached_property
    def accounts(self) -> Mapping[tuple[str, str], Person]:
        """People by their configured chat accounts, (platform, user)."""
        found: dict[tuple[str, str], Person] = {}
        for person in self.people.values():
            for account in person.accounts.items():
                found.setdefault(account, person)
        return found

    def find(self, written: str) -> list[Person]:
        """Return the active people with an id, else those with an e-mail address, else those with a name.

        Case and width do not count in addresses and names.
        """
        if self.active(written):
            return [self.people[written]]
        wanted = normalize_name(written)
        active = [person for person in self.people.values() if person.active and wanted]
        return [person for person in active if normalize_name(person.email) == wanted] or [
            person for person in active if normalize_name(person.name) == wanted
        ]

    def expand(self, names: Iterable[str]) -> frozenset[str]:
        """Return the active people behind names such as `bob` and `@sre`; a person in several groups counts once."""
        found: set[str] = set()
        for name in names:
            if name.startswith("@"):
                group = self.groups.get(name[1:])
                found.update(group.members if group else ())
            else:
                found.add(name)
        return frozenset(person for person in found if self.active(person))

    def active(self, person_id: str) -> bool:
        """Return whether the person exists and has not left."""
        person = self.people.get(person_id)
        return person is not None and person.active

    def knows(self, name: str) -> bool:
        """Return whether a name as written in a plan (`bob` or `@sre`) refers to somebody."""
        return name[1:] in self.groups if name.startswith("@") else self.active(name)

    def name(self, person_id: str) -> str:
        """Return what to call a person; an unknown one keeps the identifier."""
        person = self.people.get(person_id)
        return person.name if person else person_id

    def names(self, person_ids: Iterable[str]) -> str:
        """Return what to call people, each once, of whom many are counted: `Alice, Bob +3`."""
        return join_names(dict.fromkeys(map(self.name, person_ids)))

    def actor(self, person_id: str, via: str, credential: Credential = FULL) -> Actor:
        """Return the person as an actor, an administrator only if the credential has that scope.

        Raises Forbidden when the person is unknown or has left: rights end with the membership, not with the token.
        """
        person = self.people.get(person_id)
        if person is None or not person.active:
            raise Forbidden(Message("Your account is not active. Ask an administrator to activate it."))
        is_admin = person.admin and TokenScope.ADMIN in credential.scopes
        return Actor(person.id, ActorKind.PERSON, via, is_admin, credential)
