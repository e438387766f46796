"""The score card: what every adapter that reaches an outside system does for operators, and for who reads its errors.

It examines its connection, logs a loss and a return once, passes on how long a busy system wants to be left alone, and
explains what was not taken in the reader's language. What the vendors' limits are, the contract of chats shows.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters import CHATS, RUNNERS, open_runners
from bot.i18n import Locale
from config.settings import Settings
from core.errors import DeliveryError
from tests.adapters import host, wrong
from tests.contract.adapters.systems import INSIDE, SYSTEMS, Call, System, falsify

PAUSE = 7
"""Seconds that a busy system asks for."""


@pytest.fixture(params=SYSTEMS)
async def system(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[System]:
    async with SYSTEMS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
async def call(system: System) -> AsyncIterator[Call]:
    async with system.open(system.settings) as opened:
        yield opened


async def refused(call: Call) -> DeliveryError:
    """Call a system that does not take the call, and return the error."""
    with pytest.raises(DeliveryError) as caught:
        await call()
    return caught.value


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return what operators read of adapters in the log."""
    own = (record for record in caplog.records if record.name.startswith(("adapters.", "bot.")))
    return [(record.levelname, record.getMessage()) for record in own]


async def test_every_adapter_of_the_registry_has_a_score_card() -> None:
    assert {*CHATS, *RUNNERS, "hooks"} == {*SYSTEMS, *INSIDE}
    inside = open_runners(Settings(), host())
    assert {name: adapter.url for name, adapter in inside.items()} == dict.fromkeys(INSIDE, "")
    for adapter in inside.values():
        await adapter.runner.close()


async def test_nothing_is_wrong_with_a_system_that_answers(system: System) -> None:
    assert wrong(await system.examine(system.settings)) == []


async def test_a_system_that_does_not_answer_is_found_with_its_cure(system: System) -> None:
    found = [finding for finding in await system.examine(system.away) if not finding.ok]
    assert found
    assert [finding.text for finding in found if f"{system.section}." not in finding.cure] == []


async def test_a_wrong_secret_is_found_with_its_cure_and_is_not_shown(system: System) -> None:
    found = [finding for finding in await system.examine(system.denied) if not finding.ok]
    system.simulator.calls.clear()  # some simulators have no refusals at their end
    assert (bool(found), all(finding.cure for finding in found)) == (system.checks_secrets, True)
    assert {finding.text for finding in found}.isdisjoint(wrong(await system.examine(system.away)))
    shown = repr(found)
    assert [name for name, secret in system.secrets.items() if secret in shown or falsify(secret) in shown] == []


async def test_a_loss_and_a_return_are_logged_once_each(
    system: System, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    await call()
    caplog.set_level("INFO")
    caplog.clear()
    with system.simulator.outage(how="close"):
        for _ in range(2):
            assert (await refused(call)).retryable
    [(level, lost)] = logged(caplog)
    assert level == "WARNING"
    reason_and_cure = re.fullmatch(r"(.+) cannot be reached: .+; .+", lost)
    assert reason_and_cure
    for _ in range(2):
        await call()
    assert logged(caplog)[1:] == [("INFO", f"{reason_and_cure[1]} can be reached again")]


async def test_a_busy_system_is_not_lost_and_says_how_long_to_leave_it_alone(
    system: System, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    with system.simulator.outage(how="answer", status=429, retry_after=PAUSE):
        error = await refused(call)
    assert error.retryable
    assert error.limited is (system.section not in ("hooks", "zadig"))
    assert error.retry_after
    assert (error.retry_after == PAUSE) is system.names_pause
    assert logged(caplog) == []


async def test_no_system_is_left_alone_for_more_than_a_day(system: System, call: Call) -> None:
    with system.simulator.outage(how="answer", status=429, retry_after=10**12):
        error = await refused(call)
    assert error.retry_after
    assert error.retry_after <= 86_400


@pytest.mark.parametrize("trouble", [None, 401, 403, 429, 503])
async def test_what_was_not_taken_is_explained_in_the_readers_language(
    system: System, call: Call, trouble: int | None
) -> None:
    with system.simulator.outage(how="answer" if trouble else "close", status=trouble or 0):
        error = await refused(call)
    explained = Locale("zh_CN", "UTC").error(error)
    assert explained != str(error)
    assert re.search("[一-龥]", explained)
    assert not re.search(r"[a-z]+ [a-z]+", explained), "what is left in English are names and codes"
