"""The console: the output of a run, sessions that outlive a restart, and pages while the database is away."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import aiohttp
import pytest

from config.settings import Settings
from core.chat import Inbound
from tests.scenario.office import Fabu, Json, opened, script, step, written_for
from tests.waiting import eventually


def settings_of(folder: Path, *, local: bool = True, **people: Json) -> Settings:
    """Settings of a console without TLS, so that its cookies are sent on loopback."""
    written = written_for(folder, people, local={"work_dir": f"{folder}/runs", "enabled": local})
    written["server"] |= {"public_url": "http://fabu.example.com"}
    return Settings.model_validate(written)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)


@pytest.fixture
async def fabu(settings: Settings) -> AsyncIterator[Fabu]:
    async with opened(settings) as running:
        yield running


class Reader:
    """Somebody with a browser."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, fabu: Fabu, path: str) -> tuple[int, str, str]:
        """Open a page; return its status, its text and after how many seconds it reloads."""
        async with self._session.get(fabu.url + path) as response:
            assert response.content_type == "text/html"
            return response.status, await response.text(), response.headers.get("Refresh", "")

    async def post(self, fabu: Fabu, path: str, **form: str) -> tuple[int, str]:
        async with self._session.post(fabu.url + path, data=form) as response:
            assert response.content_type == "text/html"
            return response.status, await response.text()

    async def send(self, fabu: Fabu, path: str, kind: str, body: bytes, **headers: str) -> tuple[int, str]:
        """Post a body that a form may not have, or one from elsewhere."""
        given = {"Content-Type": kind, **headers}
        async with self._session.post(fabu.url + path, data=body, headers=given) as response:
            assert response.content_type == "text/html"
            return response.status, await response.text()

    async def sign_in(self, fabu: Fabu, person: str) -> None:
        status, _ = await self.post(fabu, f"/sign-in/{await secret_for(fabu, person)}")
        assert status == 200


async def secret_for(fabu: Fabu, person: str) -> str:
    """The secret of the link that a person gets in a chat."""
    reply = await fabu.services.chat(Inbound("cli", person, fabu.services.ids.new(), "web", private=True))
    return reply.text.split()[-1].rpartition("/")[2]


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Reader(session)


@pytest.fixture
async def alice(fabu: Fabu, reader: Reader) -> Reader:
    await reader.sign_in(fabu, "alice")
    return reader


@contextmanager
def away(tmp_path: Path, table: str) -> Iterator[None]:
    """Take a table away from the database, as if it could not be read."""
    with closing(sqlite3.connect(tmp_path / "fabu.db")) as other:
        other.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        yield
        other.execute(f"ALTER TABLE elsewhere RENAME TO {table}")


async def started(fabu: Fabu, text: str) -> str:
    """Run a script; return the path of the page with its output."""
    await fabu.submitted(script("deploy", text))
    await fabu.api("POST", "/plans/1/items/deploy/execute", {})

    async def url() -> str:
        run = (await fabu.item("deploy"))["run"]
        return str(run["url"]) if run else ""

    return (await eventually(url, wanted=bool)).removeprefix("http://fabu.example.com")


async def test_the_page_of_a_run_reloads_until_the_run_has_ended(fabu: Fabu, alice: Reader, tmp_path: Path) -> None:
    end = tmp_path / "end"
    page = await started(fabu, f"echo hello '<b>'; until [ -f {end} ]; do sleep 0.02; done; echo bye")
    status, text, reloads = await eventually(alice.get, fabu, page, wanted=lambda found: "hello" in found[1])
    assert (status, reloads) == (200, "2")
    assert "hello &lt;b&gt;" in text
    assert ">running<" in text
    end.touch()
    await fabu.until_status("success")
    status, text, reloads = await alice.get(fabu, page)
    assert (status, reloads) == (200, "")
    assert "bye" in text
    assert ">running<" not in text


async def test_an_output_that_is_gone_says_so(fabu: Fabu, alice: Reader, tmp_path: Path) -> None:
    page = await started(fabu, "echo hello")
    await fabu.until_status("success")
    for path in (tmp_path / "runs").glob("*/output.*"):
        path.unlink()
    for gone in (page, f"/runs/{'0' * 32}"):
        assert "There is no output of this run here." in (await alice.get(fabu, gone))[1]
    assert (await alice.get(fabu, page))[2] == ""


async def test_an_output_of_a_runner_that_is_not_enabled_any_more_says_so(
    settings: Settings, reader: Reader, tmp_path: Path
) -> None:
    async with opened(settings) as fabu:
        page = await started(fabu, "echo hello")
        await fabu.until_status("success")
    async with opened(settings_of(tmp_path, local=False)) as fabu:
        await reader.sign_in(fabu, "alice")
        assert "There is no output of this run here." in (await reader.get(fabu, page))[1]


async def test_nobody_reads_an_output_without_a_session(fabu: Fabu, reader: Reader) -> None:
    page = await started(fabu, "echo hello")
    await fabu.until_status("success")
    status, text, _ = await reader.get(fabu, page)
    assert status == 401
    assert "hello" not in text


async def test_a_session_outlives_a_restart_and_ends_with_its_person(
    settings: Settings, reader: Reader, tmp_path: Path
) -> None:
    async with opened(settings) as fabu:
        await fabu.submitted()
        await reader.sign_in(fabu, "bob")
    async with opened(settings) as fabu:
        status, text, _ = await reader.get(fabu, "/plans/1")
        assert (status, "Payments 2.4" in text) == (200, True)
    async with opened(settings_of(tmp_path, bob={"active": False})) as fabu:
        assert (await reader.get(fabu, "/plans/1"))[0] == 401


async def test_a_link_signs_in_once(fabu: Fabu, reader: Reader) -> None:
    path = f"/sign-in/{await secret_for(fabu, 'alice')}"
    assert (await reader.post(fabu, path))[0] == 200
    assert (await reader.post(fabu, path))[0] == 401
    assert (await reader.post(fabu, "/sign-in/unknown"))[0] == 401


async def test_the_page_of_a_link_says_who_will_be_signed_in(fabu: Fabu, reader: Reader) -> None:
    path = f"/sign-in/{await secret_for(fabu, 'alice')}"
    status, page, _ = await reader.get(fabu, path)
    assert (status, "Alice" in page) == (200, True)
    await reader.post(fabu, path)
    status, page, _ = await reader.get(fabu, path)
    assert (status, "You will be signed in" in page) == (200, False), "who is signed in needs no link"
    async with fabu.session.get(fabu.url + path) as somebody_else:
        assert somebody_else.status == 401


@pytest.mark.parametrize("header", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
async def test_another_site_signs_nobody_in(fabu: Fabu, reader: Reader, header: dict[str, str]) -> None:
    path = f"/sign-in/{await secret_for(fabu, 'alice')}"
    status, page = await reader.send(fabu, path, "application/x-www-form-urlencoded", b"", **header)
    assert (status, "Open the page again" in page) == (403, True)
    assert (await reader.get(fabu, "/"))[0] == 401
    ours = {"Sec-Fetch-Site": "same-origin"} if "Sec-Fetch-Site" in header else {"Origin": "http://fabu.example.com"}
    assert (await reader.send(fabu, path, "application/x-www-form-urlencoded", b"", **ours))[0] == 200


@pytest.mark.parametrize(
    ("path", "table"), [("/", "plans"), ("/plans/1", "plans"), ("/plans/9", "plans"), (f"/runs/{'0' * 32}", "items")]
)
async def test_pages_say_in_words_that_the_database_is_away(
    fabu: Fabu, alice: Reader, tmp_path: Path, path: str, table: str
) -> None:
    await fabu.submitted()
    with away(tmp_path, table):
        status, text, _ = await alice.get(fabu, path)
    assert status == 503
    assert "Fabu cannot save this right now." in text
    assert (await alice.get(fabu, path))[0] == (404 if path == "/plans/9" else 200)


async def test_nobody_is_signed_out_because_the_database_is_away(
    settings: Settings, reader: Reader, tmp_path: Path
) -> None:
    async with opened(settings) as fabu:
        await reader.sign_in(fabu, "alice")
    async with opened(settings) as fabu:
        link = await secret_for(fabu, "alice")
        with away(tmp_path, "tokens"):
            status, text, _ = await reader.get(fabu, "/")
            assert (status, "Fabu cannot save this right now." in text) == (503, True)
            assert (await reader.post(fabu, f"/sign-in/{link}"))[0] == 503
        assert (await reader.get(fabu, "/"))[0] == 200


async def test_a_button_that_is_pressed_twice_or_late_changes_nothing_more(fabu: Fabu, alice: Reader) -> None:
    await fabu.draft()
    text = (await alice.get(fabu, "/plans/1"))[1]
    form = {name: hidden(text, name) for name in ("csrf", "once")}
    ref = {"ref": re.findall(r'name="ref" value="([^"]+)"', text)[0], "verb": "cancel", "text": ""}
    for _ in range(2):
        status, _ = await alice.post(fabu, "/plans/1", **form, **ref)
        assert status == 200
    assert (await fabu.events()).count("cancelled") == 1
    late = await alice.post(fabu, "/plans/1", **form | {"once": "another"}, **ref)
    assert "The plan is now: cancelled." in late[1]
    assert (await alice.post(fabu, "/plans/1", **form | {"csrf": "x"}, **ref))[0] == 403


def hidden(text: str, name: str) -> str:
    return str(re.findall(rf'name="{name}" value="([^"]+)"', text)[0])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name"),
        ("multipart/form-data", b"--x--"),
        ("application/x-www-form-urlencoded; charset=klingon", b"csrf=%ff"),
        ("application/x-www-form-urlencoded", b"csrf=\xff"),
        ("application/x-www-form-urlencoded", b"&".join([b"a=b"] * 101)),
        ("application/json", b"{}"),
    ],
)
async def test_a_form_that_no_page_sends_is_refused(fabu: Fabu, alice: Reader, kind: str, body: bytes) -> None:
    plan = await fabu.submitted(step("notes"))
    status, page = await alice.send(fabu, f"/plans/{plan['number']}", kind, body)
    assert status == 400
    assert "Open the page again" in page


async def test_a_link_leads_to_a_plan_and_the_page_says_how_to_get_one(fabu: Fabu, reader: Reader) -> None:
    await fabu.submitted(step("notes"))
    status, page, _ = await reader.get(fabu, "/plans/1")
    assert (status, "Write “web 1” to Fabu" in page) == (401, True)
    reply = await fabu.services.chat(Inbound("cli", "alice", "k", "web 1", private=True))
    status, page = await reader.post(fabu, reply.link.removeprefix("http://fabu.example.com"))
    assert (status, "#1 Payments 2.4" in page) == (200, True)


async def test_a_session_may_do_what_the_token_may_that_requested_its_link(fabu: Fabu, reader: Reader) -> None:
    token = await fabu.api("POST", "/tokens", {"name": "look", "scopes": ["read"]})
    await fabu.draft(step("notes"))
    headers = {"Authorization": f"Bearer {token['secret']}"}
    async with fabu.session.post(f"{fabu.url}/api/v1/chat", json={"text": "web 1"}, headers=headers) as answer:
        link = (await answer.json())["text"].split()[-1]
    _, page = await reader.post(fabu, link.removeprefix("http://fabu.example.com"))
    fields = dict(re.findall(r'name="(csrf|once|verb|ref)" value="([^"]*)"', page))
    _, page = await reader.post(fabu, "/plans/1", **fields)
    assert "This token has no scope “plan”" in page
    assert await fabu.status() == "planning"
    await fabu.api("DELETE", f"/tokens/{token['id']}")
    assert (await reader.get(fabu, "/plans/1"))[0] == 401, "it ends with the token"
