"""What is not urgent waits while requests pressure in, and not for ever."""

from __future__ import annotations

import pytest

from core.pressure import BURST, Pressure

LONG = 10.0


async def test_without_a_crowd_nobody_waits() -> None:
    pressure = Pressure()
    pressure.record_batch(BURST - 1)
    assert await pressure.wait_until_quiet(0)


async def test_a_crowd_is_waited_for_until_it_has_passed() -> None:
    pressure = Pressure()
    pressure.record_batch(BURST)
    assert not await pressure.wait_until_quiet(0)
    assert await pressure.wait_until_quiet(LONG)


async def test_a_crowd_that_stays_is_not_waited_for_longer_than_patience_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.pressure.QUIET", LONG)
    pressure = Pressure()
    pressure.record_batch(BURST)
    assert not await pressure.wait_until_quiet(0.1)
