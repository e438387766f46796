"""Disks that are nearly full, in the log and for `/readyz`."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from adapters.common import disk
from bot.disks import Disks
from config.settings import Settings


def settings_of(folder: Path, url: str = "sqlite:///{}/fabu.db") -> Settings:
    return Settings.model_validate({"database": {"url": url.format(folder)}, "local": {"work_dir": f"{folder}/runs"}})


async def test_a_shortage_is_logged_once_and_its_end_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.disks")
    disks = Disks(settings_of(tmp_path))
    await disks.watch()
    assert await disks.find_shortages() == {}
    with monkeypatch.context() as patched:
        patched.setattr(disk, "ENOUGH", 1 << 60)
        for _ in range(3):
            await disks.watch()
        assert (await disks.find_shortages()).keys() == {"the database", "local runs"}
    await disks.watch()
    levels = [(record.levelname, record.getMessage().partition(":")[0]) for record in caplog.records]
    assert sorted(levels) == [
        ("ERROR", "local runs"),
        ("ERROR", "the database"),
        ("INFO", "local runs"),
        ("INFO", "the database"),
    ]


@pytest.mark.parametrize("url", ["postgresql://fabu@db/fabu", "memory://"])
async def test_other_databases_have_no_disk_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(disk, "ENOUGH", 1 << 60)
    assert (await Disks(settings_of(tmp_path, url)).find_shortages()).keys() == {"local runs"}
