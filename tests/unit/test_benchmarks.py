"""The benchmarks run: servers start, take their requests and are measured. What they measure is not judged here."""

from __future__ import annotations

import pytest

from tests.benchmarks.comparing import Size, compared, fabu, peer
from tests.benchmarks.processes import started

SMALL = Size(few=1, many=16, rounds=1)


@pytest.mark.parametrize("kind", ["slack", "hooks"])
async def test_fabu_takes_the_requests_of_a_benchmark(kind: str) -> None:
    async with (
        started("-m", "tests.benchmarks.sink") as sink,
        fabu(kind, sink, SMALL, kind=kind, items=3, stored=5) as server,
    ):
        found = await compared([server], SMALL)
    assert found[kind].rate > 0


@pytest.mark.parametrize("name", ["usual", "noop", "bare"])
async def test_a_peer_takes_the_same_clicks(name: str) -> None:
    async with started("-m", "tests.benchmarks.sink") as sink, peer(name, sink, SMALL) as server:
        found = await compared([server], SMALL)
    assert found[name].rate > 0
