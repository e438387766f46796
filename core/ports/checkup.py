"""The findings of a check-up of an installation (`fabu doctor`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: whether it passed, what was found, and what to do if it failed.

    Texts are English, the key of their translation, without secrets.
    """

    ok: bool
    text: str
    cure: str = ""
