"""The installation's secret, and the keys that are derived from it for different uses."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets

from adapters.store.open import data_folder
from config.settings import Settings


def load_secret(settings: Settings) -> bytes:
    """Return the secret of the settings, or that of `fabu.key` beside a SQLite database, which is made when missing.

    Raises ValueError for another database without a secret in the settings: its servers have to share one.
    """
    if configured := settings.server.secret_key.get_secret_value():
        return configured.encode()
    folder = data_folder(settings.database.url)
    if folder is None:
        raise ValueError("set server.secret_key: with this database several servers have to share it")
    path = folder / "fabu.key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_bytes().strip()


def derive(secret: bytes, use: str) -> bytes:
    """Return a key of 32 bytes for one use. From it, nobody can compute the secret or another key."""
    return hmac.new(hashlib.sha256(secret).digest(), use.encode(), "sha256").digest()
