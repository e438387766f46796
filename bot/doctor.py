"""The check-up of an installation (`fabu doctor`): what may be wrong with the settings and what they lead to.

A check looks at one area and returns what it found; an area that the settings do not use has no findings. To examine
another system, add its check to `CHECKS`; each chat brings its own (`adapters.common.adapter.ChatAdapter.examine`).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout
from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from yarl import URL

from adapters.common.adapter import ChatAdapter
from adapters.common.connecting import unreached
from adapters.common.system import SystemClock, SystemIds
from adapters.hooks.guard import guarded_session
from adapters.hooks.settings import HookTarget
from adapters.hooks.signing import SecretError, decode_secret
from adapters.store.migrate import is_current
from adapters.store.open import data_folder, open_store
from adapters.store.sql.databases import parse_url
from adapters.zadig.client import ZadigClient, open_session
from bot.adapters import enabled_chats, host_of, open_chats
from bot.people.tokens import new_token
from config.settings import Settings
from core.errors import DeliveryError, Unavailable
from core.ports.checkup import Finding
from core.ports.runner import RunReport

Check = Callable[[Settings], Awaitable[list[Finding]]]

SKEW = timedelta(seconds=30)
"""How far clocks may be apart: signatures are good for five minutes, and windows open to the minute."""
_TIMEOUT = ClientTimeout(total=10, connect=5)
_REFUSED = (400, 401)
"""How Fabu answers what is posted to the address of a chat and proves nothing."""
_NOBODY = "fabu-doctor"
"""The owner of the token that proves whose server answers; there is no such person, so it opens nothing."""


async def examine(settings: Settings) -> dict[str, list[Finding]]:
    """Return the findings of all areas that the settings use."""
    found = {area: await check(settings) for area, check in CHECKS.items()}
    async with _chats(settings) as chats:
        for name, chat in chats.items():
            found[name] = await chat.examine()
    return {area: findings for area, findings in found.items() if findings}


async def check_settings(settings: Settings) -> list[Finding]:
    """Look for settings that are well-formed but do not fit together."""
    findings = [Finding(True, "every setting can be read")]
    if not settings.auth.admins:
        findings.append(Finding(False, "nobody is an administrator", "name somebody in auth.admins"))
    if enabled_chats(settings) and _is_loopback(settings.public_url):
        text = f"links in cards lead to {settings.public_url}, which only this machine can open"
        findings.append(Finding(False, text, "set server.public_url to the address that people use"))
    return findings


async def check_secret(settings: Settings) -> list[Finding]:
    """Look at the secret key: whether it is there, and who may read it."""
    if written := settings.server.secret_key.get_secret_value():
        cure = "make one with `openssl rand -hex 32`; credentials that are stored already must then be entered again"
        return [Finding(len(written) >= 32, f"server.secret_key has {len(written)} characters", cure)]
    folder = data_folder(settings.database.url)
    if folder is None:
        text = "there is no server.secret_key, which all servers on this database have to share"
        return [Finding(False, text, "make one with `openssl rand -hex 32` and set FABU__SERVER__SECRET_KEY")]
    path = folder / "fabu.key"
    if not path.exists():
        return [Finding(True, f"{path} will be made at the first start")]
    mode = stat.S_IMODE(path.stat().st_mode)
    text = f"{path} has the permissions {mode:04o}"
    return [Finding(not mode & 0o077, text, f"let only its owner read it: chmod 600 {path}")]


async def check_database(settings: Settings) -> list[Finding]:
    """Look whether the database answers and has the tables of this version."""
    url = settings.database.url
    if url.startswith("memory:"):
        return [Finding(True, "plans are kept in memory and are lost when the server stops")]
    try:
        shown = parse_url(url).render_as_string()
        if _is_new_file(url):
            return [Finding(True, f"{shown} will be made at the first start")]
        current = await asyncio.to_thread(is_current, url)
    except ValueError as error:
        return [Finding(False, "database.url cannot be read", str(error))]
    except (Unavailable, SQLAlchemyError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        return [Finding(False, f"the database does not answer: {reason}", "start it, or mend database.url")]
    return [
        Finding(True, f"{shown} answers"),
        Finding(current, "its tables fit this version" if current else "its tables are older", "run `fabu db upgrade`"),
    ]


async def check_clock(settings: Settings) -> list[Finding]:
    """Compare this machine's clock with those of the database and of the vendors; who does not answer is left out."""
    findings = []
    if settings.database.url.startswith("postgresql") and (there := await asyncio.to_thread(_database_time, settings)):
        findings.append(_skew("the database", there))
    async with ClientSession(timeout=_TIMEOUT) as session, _chats(settings) as chats:
        vendors = {chat.name: chat.url for chat in chats.values()}
        if settings.zadig.url:
            vendors["Zadig"] = settings.zadig.url
        for name, url in vendors.items():
            async with _answer(session, url) as answer:
                date = answer.headers.get("Date") if isinstance(answer, ClientResponse) else None
            if date:
                findings.append(_skew(name, parsedate_to_datetime(date)))
    return findings


async def check_server(settings: Settings) -> list[Finding]:
    """Look whether the public URL leads to a Fabu on this database."""
    url = settings.public_url
    async with ClientSession(timeout=_TIMEOUT) as session:
        async with _answer(session, f"{url}/healthz") as answer:
            if not isinstance(answer, ClientResponse):
                return [Finding(False, f"nothing answers at {url} ({answer})", "start `fabu run`, or mend the proxy")]
            if answer.status != 200:
                text = f"{url}/healthz answers {answer.status}, so it is another program"
                return [Finding(False, text, "let server.public_url, and the proxy behind it, lead to Fabu")]
        findings = [Finding(True, f"{url} answers")]
        if not settings.database.url.startswith("memory:") and all(f.ok for f in await check_database(settings)):
            cure = "let server.public_url lead to the server with these settings, or mend database.url"
            ours = await _knows_our_token(session, settings)
            text = f"{url} is {'the server' if ours else 'a server on another database than that'} of these settings"
            findings.append(Finding(ours, text, cure))
    return findings


async def check_callbacks(settings: Settings) -> list[Finding]:
    """Look whether the addresses that chats post to lead to Fabu, which refuses what no chat has signed."""
    findings = []
    async with ClientSession(timeout=_TIMEOUT) as session, _chats(settings) as chats:
        for path in (path for chat in chats.values() for path in chat.posted_to):
            url = f"{settings.public_url}{path}"
            try:
                async with session.post(url, json={}, allow_redirects=False) as answer:
                    told = f"answers {answer.status}" if answer.status not in _REFUSED else ""
            except (ClientError, TimeoutError) as error:
                told = f"is not reached ({unreached(error) or 'no answer in time'})"
            cure = f"start `fabu run`, and let the proxy pass POST {path} on to it"
            findings.append(Finding(not told, f"{url} {told or 'is where Fabu listens'}", cure))
    return findings


async def check_hooks(settings: Settings) -> list[Finding]:
    """Look at each endpoint: whether its address may be reached and answers, and whether its secrets can be used."""
    found = [await _endpoint(endpoint, settings) for endpoint in settings.hooks.targets]
    return [finding for findings in found for finding in findings]


async def check_zadig(settings: Settings) -> list[Finding]:
    """Look whether Zadig answers and takes the token."""
    if not settings.zadig.url:
        return []
    async with open_session(timeout=10) as session:
        client = ZadigClient(session, settings.zadig.url, settings.zadig.token.get_secret_value())
        try:
            await client.workflow("fabu", "fabu")
        except DeliveryError as error:
            # With a status Zadig itself has judged: there is no such workflow, which only a good token gets to know.
            if not error.status:
                cure = "mend zadig.url, or write an API token of Zadig's account settings to zadig.token"
                return [Finding(False, str(error), cure)]
    return [Finding(True, f"{settings.zadig.url} answers and takes the token")]


async def check_local(settings: Settings) -> list[Finding]:
    """Look whether scripts can run on this machine."""
    if not settings.local.enabled:
        return []
    bash = shutil.which("bash")
    text = f"scripts run with {bash}" if bash else "there is no bash on this machine"
    findings = [Finding(bool(bash), text, "install bash, or set local.enabled = false")]
    folder = Path(settings.local.work_dir or data_folder(settings.database.url) or ".")
    if not _may_write(folder):
        findings.append(Finding(False, f"outputs cannot be written to {folder}", "mend local.work_dir"))
    return findings


CHECKS: Mapping[str, Check] = {
    "settings": check_settings,
    "secret key": check_secret,
    "database": check_database,
    "server": check_server,
    "callbacks": check_callbacks,
    "clock": check_clock,
    "hooks": check_hooks,
    "zadig": check_zadig,
    "local runner": check_local,
}


async def _endpoint(endpoint: HookTarget, settings: Settings) -> list[Finding]:
    label = f"hook endpoint {endpoint.name}"
    findings = []
    for secret in (endpoint.secret, endpoint.previous_secret):
        try:
            _ = secret.get_secret_value() and decode_secret(secret.get_secret_value())
        except SecretError as error:
            cure = "make one with `echo whsec_$(openssl rand -base64 32)`, for both sides"
            findings.append(Finding(False, f"{label}: {error}", cure))
    async with (
        guarded_session(settings.hooks.allow_internal, _TIMEOUT) as session,
        _answer(session, endpoint.url) as answer,
    ):
        reached = isinstance(answer, ClientResponse)
        text = f"{label}: {endpoint.url} answers" if reached else f"{label}: {endpoint.url} is not reached ({answer})"
        findings.append(Finding(reached, text, "mend its url; an address of an intranet needs hooks.allow_internal"))
    return findings


@asynccontextmanager
async def _chats(settings: Settings) -> AsyncIterator[Mapping[str, ChatAdapter]]:
    """Open the chats that the settings enable; none listens."""
    chats = open_chats(settings, host_of(settings, SystemClock(), _unheard))
    try:
        yield chats.adapters
    finally:
        await chats.stop()


async def _unheard(_plan_id: str, _item_id: str, _report: RunReport) -> None:
    """Take no report of runs: a check-up starts none."""


@asynccontextmanager
async def _answer(session: ClientSession, url: str) -> AsyncIterator[ClientResponse | str]:
    """Ask a URL for its head, and give the answer, or why there is none."""
    try:
        async with session.head(url, allow_redirects=False) as answer:
            yield answer
    except TimeoutError:
        yield "no answer in time"
    except (ClientError, ValueError) as error:
        yield unreached(error)


def _is_loopback(url: str) -> bool:
    host = URL(url).host or ""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _is_new_file(url: str) -> bool:
    parsed = parse_url(url)
    return parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists()


def _may_write(folder: Path) -> bool:
    """Tell whether a folder, or the nearest one above it that exists, may be written to."""
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    return os.access(existing, os.W_OK)


def _database_time(settings: Settings) -> datetime | None:
    """Return the time of the database's machine, None when it does not answer."""
    engine = create_engine(parse_url(settings.database.url), connect_args={"connect_timeout": 5})
    try:
        with engine.connect() as connection:
            return connection.execute(select(func.now())).scalar_one()
    except SQLAlchemyError:
        return None
    finally:
        engine.dispose()


def _skew(whose: str, there: datetime) -> Finding:
    difference = abs(SystemClock().now() - there)
    text = f"the clock of {whose} is {round(difference.total_seconds())} s from ours"
    return Finding(difference <= SKEW, text, "set this machine's clock by NTP")


async def _knows_our_token(session: ClientSession, settings: Settings) -> bool:
    """Tell whether the server takes a token from our database: it then says that its owner is not active (403)."""
    clock = SystemClock()
    secret, token = new_token(_NOBODY, "fabu doctor", clock, SystemIds(), clock.now() + timedelta(minutes=1))
    if _is_new_file(settings.database.url):
        return False
    store = open_store(settings.database.url, b"no credential is read")
    try:
        await store.write(lambda writing: writing.people.add_token(token))
        headers = {"Authorization": f"Bearer {secret}"}
        async with session.get(f"{settings.public_url}/api/v1/plans", headers=headers) as answer:
            return answer.status == 403
    except (ClientError, TimeoutError):
        return False
    finally:
        await store.write(lambda writing: writing.people.revoke_token(token.id, clock.now()))
        await store.close()
