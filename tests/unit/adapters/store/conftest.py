"""The fixtures of the contract suite."""

from __future__ import annotations

from tests.contract.store.conftest import empty_file, sqlite_file

__all__ = ["empty_file", "sqlite_file"]
