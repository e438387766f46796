"""Masks secrets in a stream of bytes, before it is written to disk or displayed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.workflow import MASK

_MASK = MASK.encode()


class Masker:
    """Masks secrets, also one that arrives in several parts. Every line of a secret with several lines is a secret."""

    def __init__(self, secrets: Iterable[str]) -> None:
        parts = {part.strip() for secret in secrets for part in (secret, *secret.splitlines())} - {""}
        self._secrets = sorted((part.encode() for part in parts), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, self._secrets)))
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return masked bytes; an end that may be the beginning of a secret is held back for the next call."""
        if not self._secrets:
            return data
        self._held += data
        safe = len(self._held) - self._open_end()
        masked = bytearray()
        position = 0
        for match in self._pattern.finditer(self._held):
            if match.start() >= safe:
                break
            masked += self._held[position : match.start()] + _MASK
            position = match.end()
        end = max(position, safe)
        masked += self._held[position:end]
        self._held = self._held[end:]
        return bytes(masked)

    def flush(self) -> bytes:
        """Return the bytes that were held back, at the end of the stream."""
        rest, self._held = self._held, b""
        return self._pattern.sub(_MASK, rest) if self._secrets else rest

    def mask(self, text: str) -> str:
        """Return a text with the secrets masked."""
        return self._pattern.sub(_MASK, text.encode()).decode() if self._secrets else text

    def _open_end(self) -> int:
        """Return the length of the longest end of the held bytes that is the beginning of a secret."""
        return max(
            (size for secret in self._secrets for size in range(1, len(secret)) if self._held.endswith(secret[:size])),
            default=0,
        )
