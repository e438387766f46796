"""The check-up of the local runner."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.local.doctor import REACH, examine
from adapters.local.isolation.base import Isolation
from adapters.local.isolation.bubblewrap import Bubblewrap
from tests.adapters import wrong

CONFINED = Bubblewrap(Path("/"), "bwrap")


async def test_local_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wrong(await examine(tmp_path / "runs", CONFINED)) == []
    (tmp_path / "runs").mkdir(0o700)
    assert wrong(await examine(tmp_path / "runs", CONFINED)) == []
    (tmp_path / "runs").chmod(0o755)
    assert wrong(await examine(tmp_path / "runs", CONFINED)) == [f"{tmp_path / 'runs'} has the permissions 0755"]
    (tmp_path / "runs").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert wrong(await examine(tmp_path / "runs", CONFINED)) == ["there is no bash on this machine"]


async def test_scripts_that_nothing_confines_are_found(tmp_path: Path) -> None:
    assert wrong(await examine(tmp_path / "runs", Isolation(tmp_path))) == [REACH["none"]]
