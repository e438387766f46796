"""The environment that tests and their processes run in: nothing of it is the developer's own.

A developer has tokens in `FABU__SLACK__BOT_TOKEN` or in a `fabu.toml`, a proxy, a language, a time zone, passwords in
`~/.netrc`. A test that read them would be another test on each machine, or send to a real chat.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory

_KEPT = frozenset({"PATH", "LD_LIBRARY_PATH", "TMPDIR", "USER", "LOGNAME", "TERM"})
"""What programs need in order to start."""
_KEPT_PREFIXES = ("FABU_TEST_", "PYTEST_", "COV_", "COVERAGE_")
"""What is meant for the tests."""
_FIXED = {"LANG": "C.UTF-8"}

DEVELOPERS_OWN: Mapping[str, str] = dict(os.environ)
"""The environment that the tests were started with, for package managers alone: they need its proxy and registry."""


@contextmanager
def clean_environment() -> Iterator[None]:
    """Replace the environment of this process and its children, with an empty folder as home, until the end."""
    before = dict(os.environ)
    kept = {name: value for name, value in before.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)}
    with TemporaryDirectory(prefix="fabu-home-") as home:
        _replace(kept | _FIXED | {"HOME": home})
        try:
            yield
        finally:
            _replace(before)


def _replace(values: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(values)
    time.tzset()
