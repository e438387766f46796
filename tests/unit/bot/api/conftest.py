from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.bot.api.serving import Site, site


@pytest.fixture(name="fabu")
async def _fabu() -> AsyncIterator[Site]:
    async with site() as running:
        yield running
