"""The check-up of the local runner."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.local.doctor import examine
from tests.adapters import wrong


async def test_local_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(await examine(tmp_path / "runs")) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert wrong(await examine(tmp_path / "runs")) == ["there is no bash on this machine"]
