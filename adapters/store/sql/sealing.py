"""Encryption of credentials, which must not be readable in the database file or in a dump of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from core.errors import Unavailable
from core.messages import Message

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
"""Bytes of the nonce of AES-GCM (NIST SP 800-38D, 8.2.1: 96 bits)."""


class Sealing:
    """Seals the credentials of items with AES-256-GCM. Sealed credentials are bound to their item.

    The library, 8 MB, is loaded with the first credential, on a thread of the store: many servers never have one.
    """

    def __init__(self, secret_key: bytes) -> None:
        """Take a secret of any length."""
        self._secret_key = secret_key

    @cached_property
    def _cipher(self) -> AESGCM:
        """Derive the key (HKDF-SHA256, RFC 5869)."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"fabu item credentials").derive(self._secret_key))

    def seal(self, secrets: Mapping[str, str], item_id: str) -> bytes:
        """Return secrets encrypted; equal secrets give different results."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, json.dumps(dict(secrets)).encode(), item_id.encode())

    def unseal(self, sealed: bytes, item_id: str) -> dict[str, str]:
        """Return the secrets that were sealed.

        Raises Unavailable when they were sealed with another key or for another item, or were changed since.
        """
        from cryptography.exceptions import InvalidTag

        try:
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], item_id.encode())
        except InvalidTag:
            raise Unavailable(
                Message("The stored credentials cannot be read: the secret key has changed since.")
            ) from None
        secrets: dict[str, str] = json.loads(plain)
        return secrets
