"""The base of every section of the settings, and the types of values that several sections have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict


class Section(BaseModel):
    """A section of the settings. It is immutable, and an unknown name in it is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def mistakes(self) -> Mapping[str, str]:
        """Return what is wrong with settings that are valid one by one but not together: a sentence by setting."""
        return {}

    def find_missing(self, *names: str, reason: str) -> Iterator[tuple[str, str]]:
        """Yield a mistake for each of the named settings that is empty, with the reason why it is needed."""
        for name in names:
            if not getattr(self, name):
                yield name, f"it is missing, {reason}"

    def find_incomplete(self, switch: str, needed: tuple[str, ...], others: tuple[str, ...]) -> dict[str, str]:
        """Return the mistakes of a system that is enabled by the setting `switch`, and then needs others as well.

        `others` are the settings that have no effect without `switch`, beside the needed ones.
        """
        if getattr(self, switch):
            return dict(self.find_missing(*needed, reason=f"and {switch} needs it"))
        written = next((name for name in (*needed, *others) if getattr(self, name)), None)
        reason = f"so {written} has no effect: set it, or remove {written}"
        return dict(self.find_missing(switch, reason=reason)) if written else {}


class UnusableSetting(ValueError):
    """A setting is valid, but does not work on this machine; the text names it and its cure."""


def is_loopback(host: str | None) -> bool:
    """Return whether a host, as written in a URL, is this machine."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _check_http_url(text: str) -> str:
    parts = urlsplit(text)
    try:
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:  # the port is no number, or too large
        valid = False
    if text and (not valid or any(character.isspace() for character in text)):
        raise ValueError("write the whole URL, such as https://fabu.example.com")
    return text


HttpUrl = Annotated[str, AfterValidator(_check_http_url)]
"""A URL with http or https and a host, or nothing."""
