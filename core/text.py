"""What texts of people mean, in every way in: phone numbers."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[^0-9+]")
_MAINLAND = re.compile(r"(?:\+|00)?86(?=1[0-9]{10}\Z)")


def phone_number(written: str) -> str:
    """Return a phone number as it can be compared: without separators, and without +86 before one of mainland China.

    Feishu gives such numbers with +86, DingTalk without. Foreign numbers keep their `+` and country code.
    """
    return _MAINLAND.sub("", _SEPARATORS.sub("", written), 1)
