"""All classes of errors there are."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import adapters
import bot
import core
from core.errors import FabuError


def error_classes() -> list[type[FabuError]]:
    """FabuError and everything below it, in whatever module."""
    for package in (core, adapters, bot):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)
    return list(_below(FabuError))


def _below(kind: type[FabuError]) -> Iterator[type[FabuError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _below(each)
