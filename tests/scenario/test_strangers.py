"""What somebody without a valid token or session, or who is not active any more, learns of what exists: nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from bot.app import run_app, serve_http
from bot.console.sign_in import COOKIE
from bot.people.tokens import new_token
from bot.services import SERVICES, Services
from config.settings import Settings
from core import commands as c
from core.draft import PlanDraft
from core.people import Actor, ActorKind
from tests.scenario.office import step, written_for

_HINT = re.compile(r"<p>Write\s*“web.*</p>")
"""How to sign in, and to come back to the number in the address, whether such a plan exists or not."""
_PARTS = re.compile(r"\{[^}]+\}")


@dataclass(frozen=True)
class Door:
    """A running server, and a plan that exists."""

    url: str
    app: web.Application
    plan: str
    secret: str
    """A token, and session, of somebody who has left."""
    member: str
    """That of somebody who is active."""

    def routes(self, *starts: str) -> list[tuple[str, str]]:
        """Return method and path of the routes of one thing, such as a plan, whose path starts so."""
        found = [(route.method, route.resource.canonical) for route in self.app.router.routes() if route.resource]
        return [(method, path) for method, path in found if path.startswith(starts) and "{" in path]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    people = {"erin": {"active": False}}
    settings = Settings.model_validate(written_for(tmp_path, people, auth={"admins": ["dave", "erin"]}))
    async with run_app(settings) as app, serve_http(app, "127.0.0.1", 0) as url:
        services: Services = app[SERVICES]
        draft = PlanDraft.model_validate({"name": "Secret release", "items": [step("notes")]})
        command = c.Create(plan_id=services.ids.new_plan(), draft=draft)
        await services.engine.execute(command, Actor("alice", ActorKind.PERSON, "api"))
        secrets = [await given_token(services, person) for person in ("erin", "alice")]
        yield Door(url, app, command.plan_id, *secrets)


async def given_token(services: Services, person: str) -> str:
    """Give a token to a person; return its secret."""
    secret, token = new_token(person, "test", services.clock, services.ids)
    await services.store.write(lambda writing: writing.people.add_token(token))
    return secret


async def answers_to(door: Door, session: ClientSession, method: str, path: str, secret: str) -> set[tuple[int, str]]:
    """Return the answers for a plan that exists and for others.

    They are without the numbers of the requests, and without the sentence that names the number that was asked for.
    """
    headers = {"Authorization": f"Bearer {secret}", "Cookie": f"{COOKIE}={secret}"} if secret else {}
    answers = set()
    for ref in (door.plan, "1", "0" * len(door.plan), "2", "x" * 300, "0" * 32):
        url = URL(door.url + _PARTS.sub(ref, path), encoded=True)
        async with session.request(method, url, headers=headers, allow_redirects=False) as response:
            text = (await response.text()).replace(response.headers.get("X-Request-Id", " "), "")
            answers.add((response.status, _HINT.sub("", text)))
    return answers


@pytest.mark.parametrize("who", ["nobody", "a guesser", "one who has left"])
async def test_pages_and_interfaces_answer_strangers_the_same_whatever_exists(door: Door, who: str) -> None:
    secret = {"nobody": "", "a guesser": "fabu_guess", "one who has left": door.secret}[who]
    routes = door.routes("/plans/", "/runs/", "/openapi/", "/api/v1/")
    assert {path.split("/")[1] for _, path in routes} == {"plans", "runs", "openapi", "api"}
    async with ClientSession() as session:
        for method, path in routes:
            answers = await answers_to(door, session, method, path, secret)
            assert len(answers) == 1, (method, path, answers)
            ((status, text),) = answers
            assert status == (403 if secret == door.secret and not path.startswith(("/plans", "/runs")) else 401), path
            assert "Secret release" not in text
        shown = await answers_to(door, session, "GET", "/plans/{ref}", door.member)
        assert {status for status, _ in shown} == {200, 404}, "this is how strangers would tell"
