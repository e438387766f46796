"""A small client of Fabu's REST API (`/api/v1`), for the commands that talk to a running server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, ClientResponse, ClientTimeout, InvalidURL
from pydantic import TypeAdapter

from adapters.common.connecting import connection_failure
from adapters.common.proxies import open_proxied_session
from bot.cli.failure import ExitCode, Failure
from core.chat import Reply

Json = dict[str, Any]

_TIMEOUT = ClientTimeout(total=30, connect=5)
_STREAM = ClientTimeout(total=None, connect=5, sock_read=60)
"""A stream of events that is silent for a minute is presumed lost."""
_PAGE = 100
"""The largest number of items on a page of the API."""
_CURES = {
    401: "Make a token with `fabu token create --as ID` on the server's machine, and give it as FABU_TOKEN or --token.",
    412: "Run the command again.",
}
"""What to do about a status, where the server's message does not say it."""


class Api:
    """Calls one server as one person. Every method raises Failure; for a refused request, with the server's message."""

    def __init__(self, url: str, token: str, language: str = "en") -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Language": language.replace("_", "-")}

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Call a path below `/api/v1` and return the JSON of the answer, None for an empty one."""
        return asyncio.run(self.fetch(method, path, body=body, query=query, headers=headers))

    def plan(self, ref: str) -> Json:
        """Return a plan, named by number (also as `#12`) or id."""
        return self._object("GET", plan_path(ref))

    def create(self, document: Json) -> Json:
        """Start a plan and return it."""
        return self._object("POST", "/plans", body=document)

    def change(self, ref: str, revision: int, fields: Json) -> Json:
        """Change fields of a plan whose revision is still the one that was seen, and return it."""
        return self._object("PATCH", plan_path(ref), body=fields, headers={"If-Match": f'"{revision}"'})

    def act(self, ref: str, verb: str, **fields: object) -> Json:
        """Execute a verb on a plan (`submit`) or an item (`items/2/execute`), and return the plan."""
        return self._object("POST", plan_path(ref, verb), body=fields)

    def delete(self, ref: str) -> None:
        """Delete a plan."""
        self.call("DELETE", plan_path(ref))

    def chat(self, **request: object) -> Reply:
        """Send a request as in a chat: `text`, or `verb` with `ref` and `values` for a button or a form."""
        return reply_of(self.call("POST", "/chat", body=request))

    def pages(self, path: str, query: Mapping[str, str], limit: int) -> Iterator[Json]:
        """Yield the first `limit` items of a list, page by page."""
        params, left = dict(query), limit
        while left > 0:
            page = self.call("GET", path, query={**params, "limit": str(min(left, _PAGE))})
            yield from page["items"]
            params["cursor"], left = page["next_cursor"], left - len(page["items"])
            if not params["cursor"]:
                return

    def _object(self, method: str, path: str, **more: Any) -> Json:
        answer: Json = self.call(method, path, **more)
        return answer

    async def events(self) -> AsyncIterator[Json]:
        """Yield log entries as the server sends them (server-sent events); an empty one when the stream is open.

        Ends when the server closes the stream. Raises Failure when it cannot be opened, or is silent for a minute.
        """
        with _explain_connection_errors(self._url):
            async with (
                open_proxied_session(headers=self._headers, timeout=_STREAM) as session,
                session.get(f"{self._url}/api/v1/events") as answer,
            ):
                if answer.status != HTTPStatus.OK:
                    raise _refusal(answer, await answer.text())
                yield {}
                async for line in answer.content:
                    if line.startswith(b"data:"):
                        yield json.loads(line[5:])

    async def fetch(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Do what `call` does, for asynchronous callers."""
        sent = {**self._headers, **(headers or {})}
        with _explain_connection_errors(self._url):
            async with (
                open_proxied_session(headers=sent, timeout=_TIMEOUT) as session,
                session.request(method, f"{self._url}/api/v1{path}", json=body, params=query) as answer,
            ):
                text = await answer.text()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise _refusal(answer, text)
        try:
            return json.loads(text) if text else None
        except ValueError:
            raise _foreign_answer(answer) from None


def plan_path(ref: str, more: str = "") -> str:
    """Return the path of a plan, named by number (also as `#12`) or id, or of something below it."""
    return f"/plans/{quote(ref.lstrip('#＃'), safe='')}{more and '/'}{more}"


def reply_of(answer: object) -> Reply:
    """Return the answer of `POST /chat` as a reply."""
    return _reply_adapter().validate_python(answer)


@cache
def _reply_adapter() -> TypeAdapter[Reply]:
    return TypeAdapter(Reply)


@contextmanager
def _explain_connection_errors(url: str) -> Iterator[None]:
    """Turn the errors of a connection into Failures that say why the server cannot be reached."""
    cure = "Start it with `fabu run`, or name another one with --url or FABU_URL."
    try:
        yield
    except InvalidURL:
        raise Failure(f"{url} is no URL: write it as http://HOST:PORT.", ExitCode.MISUSED) from None
    except TimeoutError:
        raise Failure(f"Fabu at {url} does not answer in time. Try again, and look at the server's log.") from None
    except ClientError as error:
        raise Failure(f"There is no Fabu at {url} ({connection_failure(error)}). {cure}") from None


def _refusal(answer: ClientResponse, text: str) -> Failure:
    """Return the Failure for an answer with an error status, whose body is `{"code","message","params"}`."""
    try:
        error = json.loads(text)
        return Failure(f"{error['message']} {_CURES.get(answer.status, '')}".rstrip())
    except (ValueError, KeyError, TypeError):
        return _foreign_answer(answer)


def _foreign_answer(answer: ClientResponse) -> Failure:
    """Return the Failure for an answer that does not come from Fabu."""
    return Failure(
        f"{answer.url.origin()} answered {answer.status} {answer.reason}, which is not Fabu's way of speaking: "
        "check --url or FABU_URL, and any proxy in between."
    )
