"""The check-up of an installation (`fabu doctor`): finds what is wrong with the settings and the systems they name.

A check examines one area and returns its findings, none for an area that the settings do not use. To examine another
system, add its check to `CHECKS`; each chat and runner has its own (`adapters.common.adapter`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout
from yarl import URL

from adapters.common.adapter import ChatAdapter, RunnerAdapter
from adapters.common.connecting import connection_failure, open_head
from adapters.common.files import check_private
from adapters.common.proxies import Proxies, mask_credentials, open_proxied_session
from adapters.common.settings import is_loopback
from adapters.common.system import SystemClock, SystemIds
from adapters.hooks import doctor as hooks_doctor
from adapters.store import doctor as store_doctor
from adapters.store.open import data_folder, open_store
from adapters.store.settings import DatabaseSettings
from bot import policy_doctor
from bot.adapters import Chats, enabled_chats, host_of, open_chats, open_runners
from bot.installation import LostKey, WrongKey, check_key, is_key_lost, load_secret
from bot.people.tokens import new_token
from config.settings import Settings, secrets_in
from core.plan import Channel
from core.ports.checkup import Finding
from core.ports.runner import RunReport

Check = Callable[[Settings], Awaitable[list[Finding]]]

SKEW = timedelta(seconds=30)
"""The largest accepted difference of clocks: signatures are valid for five minutes, windows open to the minute."""
_TIMEOUT = ClientTimeout(total=10, connect=5)
_REFUSED = (400, 401)
"""The statuses with which Fabu rejects unsigned requests to the endpoints of chats."""
_NOBODY = "fabu-doctor"
"""The owner of the token by which a server is recognised. There is no such person, so the token gives no access."""


async def examine(settings: Settings, file: Path | None = None) -> dict[str, list[Finding]]:
    """Return the findings of all areas that the settings use; `file` is where the settings are written."""
    found = {area: await check(settings) for area, check in CHECKS.items()}
    if file and _holds_secret(file, settings):
        found["settings"] += check_private([file]) or [Finding(True, f"only its owner can read {file}")]
    async with _open_runners(settings) as runners, opened_chats(settings) as chats:
        adapters: tuple[RunnerAdapter | ChatAdapter, ...] = (*runners.values(), *chats.values())
        for adapter in adapters:
            found[adapter.name.lower()] = await adapter.examine()
    return {area: findings for area, findings in found.items() if findings}


async def check_settings(settings: Settings) -> list[Finding]:
    """Check that settings fit together, each of which is valid by itself."""
    findings = [Finding(True, "every setting can be read")]
    if not settings.auth.admins:
        findings.append(Finding(False, "nobody is an administrator", "name somebody in auth.admins"))
    if enabled_chats(settings) and is_loopback(URL(settings.public_url).host):
        text = f"links in cards lead to {settings.public_url}, which only this machine can open"
        findings.append(Finding(False, text, "set server.public_url to the address that people use"))
    return findings


async def check_secret(settings: Settings) -> list[Finding]:
    """Check that there is a secret key, that it is the database's, and that only its owner can read its file."""
    findings = _check_secret_alone(settings)
    if all(finding.ok for finding in findings):
        findings += await _check_key(settings)
    return findings


async def _check_key(settings: Settings) -> list[Finding]:
    """Check that the database, if there is one already, was written with the secret key."""
    if not await _is_usable(settings.database) or store_doctor.is_new_file(settings.database.url):
        return []
    store = open_store(settings.database.url, b"no credential is read")
    try:
        await check_key(settings, store, load_secret(settings))
    except WrongKey as error:
        return [Finding(False, error.cause, error.cure)]
    finally:
        await store.close()
    return []


def _check_secret_alone(settings: Settings) -> list[Finding]:
    if written := settings.server.secret_key.get_secret_value():
        cure = "make one with `openssl rand -hex 32`; credentials that are stored already must then be entered again"
        return [Finding(len(written) >= 32, f"server.secret_key has {len(written)} characters", cure)]
    folder = data_folder(settings.database.url)
    if folder is None:
        text = "there is no server.secret_key, which all servers on this database have to share"
        return [Finding(False, text, "make one with `openssl rand -hex 32` and set FABU__SERVER__SECRET_KEY")]
    path = folder / "fabu.key"
    if is_key_lost(path, settings.database.url):
        return [Finding(False, f"{path} is lost, but the database was written with it", LostKey(path).cure)]
    if not path.exists():
        return [Finding(True, f"{path} will be made at the first start")]
    return check_private([path]) or [Finding(True, f"only its owner can read {path}")]


async def check_clock(settings: Settings) -> list[Finding]:
    """Compare this machine's clock with those of the database and of vendors; those that do not answer are left out."""
    findings = []
    if there := await store_doctor.server_time(settings.database):
        findings.append(_compare_clock("the database", there))
    async with (
        open_proxied_session(timeout=_TIMEOUT) as session,
        opened_chats(settings) as chats,
        _open_runners(settings) as runners,
    ):
        systems: tuple[ChatAdapter | RunnerAdapter, ...] = (*chats.values(), *runners.values())
        for name, url in [(system.name, system.url) for system in systems if system.url]:
            async with open_head(session, url) as answer:
                date = answer.headers.get("Date") if isinstance(answer, ClientResponse) else None
            if date:
                findings.append(_compare_clock(name, parsedate_to_datetime(date)))
    return findings


async def check_server(settings: Settings) -> list[Finding]:
    """Check that the public URL leads to a Fabu with this database."""
    url = settings.public_url
    async with open_proxied_session(timeout=_TIMEOUT) as session:
        async with open_head(session, f"{url}/healthz") as answer:
            if not isinstance(answer, ClientResponse):
                return [Finding(False, f"nothing answers at {url} ({answer})", "start `fabu run`, or mend the proxy")]
            if answer.status != 200:
                text = f"{url}/healthz answers {answer.status}, so it is another program"
                return [Finding(False, text, "let server.public_url, and the proxy behind it, lead to Fabu")]
        findings = [Finding(True, f"{url} answers")]
        if await _is_usable(settings.database):
            cure = "let server.public_url lead to the server with these settings, or mend database.url"
            ours = await _knows_our_token(session, settings)
            text = f"{url} is {'the server' if ours else 'a server on another database than that'} of these settings"
            findings.append(Finding(ours, text, cure))
    return findings


async def check_callbacks(settings: Settings) -> list[Finding]:
    """Check that the URLs to which chats post lead to Fabu: it rejects a request that no chat has signed."""
    findings = []
    async with open_proxied_session(timeout=_TIMEOUT) as session, opened_chats(settings) as chats:
        for path in (path for chat in chats.values() for path in chat.inbound_paths):
            url = f"{settings.public_url}{path}"
            try:
                async with session.post(url, json={}, allow_redirects=False) as answer:
                    problem = f"answers {answer.status}" if answer.status not in _REFUSED else ""
            except (ClientError, TimeoutError) as error:
                problem = f"is not reached ({connection_failure(error) or 'no answer in time'})"
            cure = f"start `fabu run`, and let the proxy pass POST {path} on to it"
            findings.append(Finding(not problem, f"{url} {problem or 'is where Fabu listens'}", cure))
    return findings + _check_proof(settings)


def _check_proof(settings: Settings) -> list[Finding]:
    """Check that external systems prove who they are by more than a code that is in every hook."""
    if not (settings.hooks.wait_for_callback and settings.hooks.targets):
        return []
    how = settings.callback.auth
    cure = 'set callback.auth = "signature" and callback.secret, and let the systems sign what they answer'
    return [Finding(how != "instance_code", f"callbacks prove who sends them by {how}", cure)]


async def check_proxies(settings: Settings) -> list[Finding]:
    """Check the proxies of the environment: what they are used for, and whether they answer."""
    proxies = Proxies.of_environment()
    cure = "write it as http://HOST:PORT; Fabu uses no SOCKS proxies"
    findings = [Finding(False, f"{name} names no HTTP proxy, so it is not used", cure) for name in proxies.unusable()]
    for name, url in proxies.named().items():
        findings.append(await _check_proxy(name, url))
    if findings and proxies.direct:
        findings.append(Finding(True, f"these addresses are reached without a proxy: {proxies.direct}"))
    if findings and settings.hooks.targets:
        text = "hooks: Fabu resolves and checks the addresses of endpoints itself, and asks the proxy for the address"
        findings.append(Finding(True, text))
    return findings


async def _check_proxy(name: str, url: URL) -> Finding:
    try:
        async with asyncio.timeout(_TIMEOUT.connect):
            _, writer = await asyncio.open_connection(url.host, url.port)
        writer.close()
        problem = ""
    except (OSError, TimeoutError) as error:
        problem = f" does not answer ({connection_failure(error) or 'no answer in time'})"
    text = f"{name}: the proxy {mask_credentials(url)}{problem or ' answers'}"
    return Finding(not problem, text, f"mend {name}, or list the hosts that need no proxy in NO_PROXY")


async def check_approval(settings: Settings) -> list[Finding]:
    """Check the rules for approvals, and the plans of the database on which they should have an effect."""
    async with opened_chats(settings) as chats:
        channels = {Channel.NATIVE, *map(Channel, Chats(chats).channels)}
    return await policy_doctor.examine(settings, channels)


CHECKS: Mapping[str, Check] = {
    "settings": check_settings,
    "secret key": check_secret,
    "database": lambda settings: store_doctor.examine(settings.database),
    "server": check_server,
    "callbacks": check_callbacks,
    "proxies": check_proxies,
    "clock": check_clock,
    "approval": check_approval,
    "hooks": lambda settings: hooks_doctor.examine(settings.hooks),
}


def _holds_secret(file: Path, settings: Settings) -> bool:
    """Return whether a secret is written in the file of the settings, and not in the environment alone."""
    text = file.read_text(encoding="utf-8")
    return any(secret in text for secret in secrets_in(settings))


@asynccontextmanager
async def opened_chats(settings: Settings) -> AsyncIterator[Mapping[str, ChatAdapter]]:
    """Open the chats that the settings enable, and close them at the end; none listens."""
    chats = open_chats(settings, host_of(settings, SystemClock(), _ignore_report))
    try:
        yield chats.adapters
    finally:
        await chats.stop()


@asynccontextmanager
async def _open_runners(settings: Settings) -> AsyncIterator[Mapping[str, RunnerAdapter]]:
    """Open the runners that the settings enable, and close them at the end; none works."""
    runners = open_runners(settings, host_of(settings, SystemClock(), _ignore_report))
    try:
        yield runners
    finally:
        for adapter in runners.values():
            await adapter.runner.close()


async def _ignore_report(_plan_id: str, _item_id: str, _report: RunReport) -> None:
    """Ignore a report of a run: a check-up starts none."""


async def _is_usable(database: DatabaseSettings) -> bool:
    """Tell whether the database is one that other processes see, and its check-up finds nothing wrong."""
    return not database.url.startswith("memory:") and all(found.ok for found in await store_doctor.examine(database))


def _compare_clock(whose: str, there: datetime) -> Finding:
    difference = abs(SystemClock().now() - there)
    text = f"the clock of {whose} is {round(difference.total_seconds())} s from ours"
    return Finding(difference <= SKEW, text, "set this machine's clock by NTP")


async def _knows_our_token(session: ClientSession, settings: Settings) -> bool:
    """Tell whether the server knows a token in our database: it then answers that the owner is not active (403)."""
    clock = SystemClock()
    secret, token = new_token(_NOBODY, "fabu doctor", clock, SystemIds(), clock.now() + timedelta(minutes=1))
    if store_doctor.is_new_file(settings.database.url):
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
