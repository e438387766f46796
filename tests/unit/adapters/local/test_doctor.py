"""The check-up of the local runner."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.local.doctor import examine
from tests.adapters import wrong


async def test_local_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(await examine(tmp_path / "runs")) == []
    (tmp_path / "runs").mkdir(0o700)
    assert wrong(await examine(tmp_path / "runs")) == []
    (tmp_path / "runs").chmod(0o755)
    assert wrong(await examine(tmp_path / "runs")) == [f"{tmp_path / 'runs'} has the permissions 0755"]
    (tmp_path / "runs").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert wrong(await examine(tmp_path / "runs")) == ["there is no bash on this machine"]
