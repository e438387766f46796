"""What a check-up of an installation finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: whether it is well, what was seen, and what to do if it is not.

    Texts are English, the key of their translation, without secrets.
    """

    ok: bool
    text: str
    cure: str = ""
