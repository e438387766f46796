"""The installation's secret, and the keys that are derived from it for different uses."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from adapters.store.open import data_folder, holds_plans
from config.settings import Settings


class LostKey(ValueError):
    """The file of the secret is lost: a new one would not open the stored credentials, nor continue the log."""

    def __init__(self, path: Path) -> None:
        self.cure = (
            "restore it from the backup of the database; if there is none, write a new one with "
            f"`(umask 077; openssl rand -hex 32 > {path})`, then enter all credentials again, and expect "
            "`fabu audit verify` to reject the log so far"
        )
        super().__init__(f"{path} is lost, but the database was written with it: {self.cure}")


def load_secret(settings: Settings) -> bytes:
    """Return the secret of the settings, or that of `fabu.key` beside a SQLite database, which is made when missing.

    Raises ValueError for another database without a secret in the settings: its servers have to share one. Raises
    LostKey when the file is gone or empty, but the database has plans.
    """
    if configured := settings.server.secret_key.get_secret_value():
        return configured.encode()
    folder = data_folder(settings.database.url)
    if folder is None:
        raise ValueError("set server.secret_key: with this database several servers have to share it")
    path = folder / "fabu.key"
    if is_key_lost(path, settings.database.url):
        raise LostKey(path)
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_bytes().strip()


def is_key_lost(path: Path, database: str) -> bool:
    """Return whether the file of the secret is empty, or is missing beside a database with plans."""
    return path.stat().st_size == 0 if path.exists() else holds_plans(database)


def derive(secret: bytes, use: str) -> bytes:
    """Return a key of 32 bytes for one use. From it, nobody can compute the secret or another key."""
    return hmac.new(hashlib.sha256(secret).digest(), use.encode(), "sha256").digest()
