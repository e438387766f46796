"""People release for some seconds while servers are killed and everything else fails; nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenario.mounts import mounted
from tests.services import fresh_postgres, require_faketime
from tests.soak.run import Ground, soak

SECONDS = 4.0


@pytest.fixture(params=["sqlite", "postgresql"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    if request.param == "postgresql":
        with fresh_postgres() as url:
            yield Ground(tmp_path, url, faketime=require_faketime())
    else:
        with mounted(tmp_path / "disk", 200) as disk:
            yield Ground(disk.folder, disk=disk, faketime=require_faketime())


async def test_what_was_acknowledged_is_neither_lost_nor_doubled(ground: Ground) -> None:
    report = await soak(ground, SECONDS, seed=1)
    assert not report.problems, str(report)
