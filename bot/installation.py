"""The installation's secret, and the keys that are derived from it for different uses."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from itertools import pairwise
from pathlib import Path
from typing import Final

from adapters.common.files import make_private_folder, open_private
from adapters.store.open import data_folder, holds_plans
from config.settings import Settings
from core.audit import LogEntry, fits
from core.ports.plans import PlanQuery
from core.ports.store import Reading, Store

LOG_KEY: Final = "operation log"
"""The use of the key that chains the operation log."""


_ACCEPT = (
    "set server.accept_other_key = true until a plan was changed, then enter all credentials again, and expect "
    "`fabu audit verify` to reject the log so far"
)
_COMPARED = 20
"""How many plans, the newest, are compared with the secret."""


class LostKey(ValueError):
    """The file of the secret is lost: a new one would not open the stored credentials, nor continue the log."""

    def __init__(self, path: Path) -> None:
        self.cure = (
            "restore it from the backup of the database; if there is none, write a new one with "
            f"`(umask 077; openssl rand -hex 32 > {path})`, {_ACCEPT}"
        )
        super().__init__(f"{path} is lost, but the database was written with it: {self.cure}")


class WrongKey(ValueError):
    """The secret is another one than that of the database: it opens no stored credential, and continues no log."""

    def __init__(self, settings: Settings) -> None:
        named = "server.secret_key" if settings.server.secret_key.get_secret_value() else "fabu.key"
        self.cause = f"{named} is not the secret that the database was written with"
        self.cure = f"restore the one of the database; if it is lost, {_ACCEPT}"
        super().__init__(f"{self.cause}: {self.cure}")


def load_secret(settings: Settings, *, make: bool = True) -> bytes:
    """Return the secret of the settings, or that of `fabu.key` beside a SQLite database, which `make` makes if missing.

    Raises ValueError for another database without a secret in the settings: its servers have to share one. Raises
    LostKey when the file is gone or empty, but the database has plans, or no new one may be made.
    """
    if configured := settings.server.secret_key.get_secret_value():
        return configured.encode()
    folder = data_folder(settings.database.url)
    if folder is None:
        raise ValueError("set server.secret_key: with this database several servers have to share it")
    path = folder / "fabu.key"
    if is_key_lost(path, settings.database.url) or not (make or path.exists()):
        raise LostKey(path)
    if not path.exists():
        make_private_folder(folder)
        with open(path, "x", opener=open_private) as file:
            file.write(secrets.token_hex(32))
    return path.read_bytes().strip()


def is_key_lost(path: Path, database: str) -> bool:
    """Return whether the file of the secret is empty, or is missing beside a database with plans."""
    return path.stat().st_size == 0 if path.exists() else holds_plans(database)


async def check_key(settings: Settings, store: Store, secret: bytes) -> None:
    """Raise WrongKey when no log of the newest plans was written with the secret, unless the settings accept that."""
    if settings.server.accept_other_key:
        return
    logs = await store.read(_read_ends_of_logs)
    key = derive(secret, LOG_KEY)
    if logs and not any(fits(entry, previous, key) for log in logs for previous, entry in log):
        raise WrongKey(settings)


def _read_ends_of_logs(reading: Reading) -> list[list[tuple[str, LogEntry]]]:
    """Return the first and the last log entry of the newest plans, each with the hash of the entry before it."""
    logs = []
    for plan in reading.plans.page(PlanQuery(limit=_COMPARED)).items:
        first, last = reading.log.of_plan(plan.id, 0, 1), reading.log.of_plan(plan.id, max(0, plan.log_seq - 2), 2)
        logs.append([("", entry) for entry in first] + [(a.hash, b) for a, b in pairwise(last)])
    return logs


def derive(secret: bytes, use: str) -> bytes:
    """Return a key of 32 bytes for one use. From it, nobody can compute the secret or another key."""
    return hmac.new(hashlib.sha256(secret).digest(), use.encode(), "sha256").digest()
