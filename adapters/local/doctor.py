"""The check-up of the local runner."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from adapters.common.disk import check_room
from adapters.common.files import check_private
from adapters.local.databases import find_rights, open_engine
from adapters.local.isolation.account import Account
from adapters.local.isolation.base import Isolation
from adapters.local.settings import LocalSettings
from core.ports.checkup import Finding

REACH: Mapping[str, str] = {
    "bwrap": "scripts run under bubblewrap: they reach the system's programs, local.paths, the network where "
    "local.network lets them, and the folder of their run",
    "user": "scripts run as the user local.user: they reach what this user reaches, and other scripts that run",
    "none": "scripts run as the server's user: they can read the key, the database, the settings and other runs, and "
    "with them approve any plan in anybody's name",
}
"""What scripts reach, by the kind of their isolation."""
_CONNECT = 5
"""Seconds for the connection to a database."""


def describe_reach(isolation: Isolation) -> str:
    """Return what scripts reach, in plain words, and why nothing keeps them from it."""
    return "; ".join(filter(None, (REACH[isolation.kind], isolation.reason)))


async def examine(settings: LocalSettings, work_dir: Path, isolation: Isolation) -> list[Finding]:
    """Check that scripts can run on this machine, what they reach, and that outputs can be written."""
    bash = shutil.which("bash")
    text = f"scripts run with {bash}" if bash else "there is no bash on this machine"
    findings = [Finding(bool(bash), text, "install bash, or set local.enabled = false")]
    cure = "install bubblewrap, or name a user without rights in local.user; until then local scripts need approval"
    findings.append(Finding(isolation.confines, describe_reach(isolation), cure))
    if not _is_writable(work_dir):
        findings.append(Finding(False, f"outputs cannot be written to {work_dir}", "mend local.work_dir"))
    private = [Finding(True, "only their owner can read the outputs of runs")]
    entered = isolation.kind == Account.kind  # by another user, who reads nothing there
    findings += check_private([] if entered else [work_dir]) or private
    findings += check_room(work_dir)
    return findings + [await asyncio.to_thread(_check_account, *each) for each in settings.databases.items()]


def _check_account(name: str, url: SecretStr) -> Finding:
    """Check that sql jobs on a database cannot reach the machine of its server: this is up to their account alone."""
    place = f"local.databases.{name}"
    well = Finding(True, f"{place}: sql jobs reach the database alone")
    parsed = make_url(url.get_secret_value())
    if parsed.get_backend_name() == "sqlite":
        return well
    try:
        with open_engine(parsed, autocommit=True, connect_timeout=_CONNECT).connect() as connection:
            rights = find_rights(connection)
    except (SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return Finding(False, f"{place} cannot be opened ({reason})", f"mend {place}, or remove it")
    if not rights:
        return well
    text = f"{place}: its account has {rights}, so sql jobs reach files and programs of the database's machine"
    return Finding(False, text, "name an account with rights on its own tables alone")


def _is_writable(folder: Path) -> bool:
    """Return whether a folder, or its nearest parent that exists, is writable."""
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    return os.access(existing, os.W_OK)
