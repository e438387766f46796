"""The watch of the clock: a jump is told once, with its size and direction; slewing is none."""

from __future__ import annotations

import logging

import pytest

from bot.clockwatch import ClockWatch


class Machine:
    """The two clocks of a machine, and what its watch tells."""

    def __init__(self) -> None:
        self.wall, self.monotonic = 1_800_000_000.0, 5000.0
        self.held_up = 0.0
        self.told: list[float] = []
        self.watch = ClockWatch(self.read_wall, lambda: self.monotonic)
        self.watch.listen(self.told.append)

    def read_wall(self) -> float:
        self.run(self.held_up)
        return self.wall

    def run(self, seconds: float, rate: float = 1.0) -> None:
        """Let time pass; the clock of the machine runs at a rate."""
        self.monotonic += seconds
        self.wall += seconds * rate

    def look(self) -> list[float]:
        """Let half a second pass, look, and return what was told since."""
        self.run(0.5)
        self.told.clear()
        self.watch.look()
        return [round(jump, 3) for jump in self.told]


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize("jump", [-3600.0, 3600.0, 2.1, -2.1])
def test_a_jump_is_told_once(machine: Machine, jump: float) -> None:
    assert machine.look() == []
    machine.wall += jump
    assert machine.look() == [jump]
    assert [machine.look() for _ in range(3)] == [[], [], []]


@pytest.mark.parametrize(
    ("jump", "text"),
    [(-3600, "the clock was set back by 1:00:00"), (90, "the clock was set forward by 0:01:30, or the machine slept")],
)
def test_a_jump_is_logged_with_size_and_direction(
    machine: Machine, caplog: pytest.LogCaptureFixture, jump: float, text: str
) -> None:
    machine.wall += jump
    machine.look()
    machine.look()
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(text)


@pytest.mark.parametrize("rate", [0.9, 1.1])
def test_slewing_is_no_jump_however_long_it_lasts(machine: Machine, rate: float) -> None:
    for _ in range(1000):
        machine.run(0.5, rate)
        assert machine.look() == []


def test_a_process_that_stood_still_has_seen_no_jump(machine: Machine) -> None:
    machine.run(1000)
    assert machine.look() == []


def test_a_process_that_stood_still_between_two_readings_looks_again(machine: Machine) -> None:
    machine.held_up = 60
    machine.wall -= 3600
    assert machine.look() == []
    machine.held_up = 0
    assert machine.look() == [-3600]
