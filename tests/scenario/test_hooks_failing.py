"""Receivers that answer badly, late or not at all, and a killed server: nothing is lost, nothing comes out of order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.settings import Settings
from core.ports.outbox import DeliveryState
from tests.scenario.hooked import SECRET, Fabu, endpoint, fabu, settings_for, values_for
from tests.simulators.receiver import Answer, Receiver
from tests.waiting import PATIENCE

AFTER_LEASE = timedelta(minutes=3)


@asynccontextmanager
async def told(folder: Path, secret: str | None = None) -> AsyncIterator[tuple[Receiver, Fabu]]:
    """A running Fabu with one receiver and no waiting; without a secret, that the receiver's clock does not matter."""
    async with (
        Receiver(secret) as receiver,
        fabu(settings_for(folder, receiver, wait_for_callback=False)) as running,
    ):
        yield receiver, running


@pytest.mark.parametrize(
    ("answer", "recorded"),
    [
        (Answer(301, headers={"Location": "/elsewhere"}), (301, "it answered 301")),
        (Answer(500, b"out of order"), (500, "it answered 500")),
        (Answer(404), (404, "it answered 404")),
        (Answer(200, ending="cut"), (0, "Response payload")),
    ],
    ids=lambda value: str(getattr(value, "ending", "")) + str(getattr(value, "status", "")),
)
async def test_a_bad_answer_is_recorded_and_the_same_bytes_come_again(
    tmp_path: Path, answer: Answer, recorded: tuple[int, str]
) -> None:
    async with told(tmp_path, SECRET) as (receiver, running):
        receiver.script(answer)
        plan = await running.finished()
        delivery, [attempt] = await running.settled(plan)
        assert delivery.state is DeliveryState.PENDING
        assert (attempt.status, attempt.error) == (recorded[0], attempt.error)
        assert recorded[1] in str(attempt.error)
        assert attempt.answer in ("", answer.body.decode())

        await running.pass_time(seconds=6)
        delivery, attempts = await running.settled(plan, 2)
        first, second = receiver.hooks
        assert (first.id, first.raw) == (second.id, second.raw)
        assert delivery.state is DeliveryState.DONE
        assert (attempts[1].status, str(attempts[1].error), attempts[1].answer) == (200, "", '{"message": "success"}')
        assert receiver.led_astray == 0


async def test_a_receiver_that_is_away_is_logged_once_and_so_is_its_return(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bot.outbox.hooks")
    async with told(tmp_path) as (receiver, running):
        receiver.script(Answer(200, ending="cut"), Answer(200, ending="cut"), Answer(500), Answer(200))
        plan = await running.finished()
        for tries, wait in ((1, 6), (2, 400), (3, 2400), (4, 0)):
            await running.settled(plan, tries)
            await running.pass_time(seconds=wait)
    logged = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "bot.outbox.hooks"]
    lost, back = logged
    assert lost[0] == "WARNING"
    assert lost[1].startswith("hook endpoint e0 cannot be reached: the connection broke off: Response payload")
    assert back == ("INFO", "hook endpoint e0 can be reached again")


async def test_what_a_good_answer_says_does_not_matter(tmp_path: Path) -> None:
    async with told(tmp_path) as (receiver, running):
        receiver.script(Answer(204, b""), Answer(200, b"<html>\xff\x00" + b"x" * 10_000))
        plan = await running.submitted()
        await receiver.until(lambda: len(receiver.hooks) == 2)
        delivery, [attempt] = await running.settled(plan)
        assert delivery.state is DeliveryState.DONE
        assert len(attempt.answer) <= 4096
        assert attempt.answer.startswith("<html>")


@pytest.mark.parametrize(("asked", "waits"), [("120", 120), ("1", 4), ("999999", 3600), ("soon", 4)])
async def test_a_busy_receiver_says_when_to_come_again(tmp_path: Path, asked: str, waits: int) -> None:
    async with told(tmp_path) as (receiver, running):
        receiver.script(Answer(429, headers={"Retry-After": asked}))
        plan = await running.submitted()
        delivery, _ = (await running.deliveries(plan))[0]
        await receiver.until(lambda: receiver.hooks)
        async with asyncio.timeout(PATIENCE):
            while delivery.state is not DeliveryState.PENDING or delivery.attempts == 0:
                delivery, _ = (await running.deliveries(plan))[0]
        assert delivery.due_at is not None
        assert timedelta(seconds=waits) <= delivery.due_at - running.clock.now() <= timedelta(seconds=waits + 3)


async def test_an_outage_loses_nothing_and_changes_no_order(tmp_path: Path) -> None:
    async with told(tmp_path) as (receiver, running):
        with receiver.outage():
            plans = [await running.submitted() for _ in range(3)]
            for plan in plans:
                await running.complete(plan)
            await receiver.until(lambda: len(receiver.calls) >= 3)
        await running.pass_time(seconds=10)
        await receiver.until(lambda: len(receiver.hooks) == 9)
        for plan in plans:
            events = [hook.event for hook in receiver.hooks if hook.plan["id"] == plan["id"]]
            assert events == ["finish_planning", "start_execute", "all_job_done"]


async def test_a_receiver_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    async with (
        Receiver() as slow,
        Receiver() as quick,
        fabu(settings_for(tmp_path, slow, quick, wait_for_callback=False)) as running,
    ):
        slow.fail("hook", times=100, how="hang")
        for _ in range(20):
            await running.complete(await running.submitted())
        await quick.until(lambda: len(quick.hooks) == 60)
        assert slow.hooks == []
        assert slow.calls, "it was tried"
        await slow.stop()


async def test_a_pile_for_a_receiver_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    async with Receiver() as slow, Receiver() as quick:
        endpoints = [
            endpoint("slow", slow, events=["finish_planning"]),
            endpoint("quick", quick, events=["all_job_done"]),
        ]
        async with fabu(settings_for(tmp_path, endpoints=endpoints, wait_for_callback=False)) as running:
            with slow.outage(status=500, how="answer"):
                plans = [await running.submitted() for _ in range(80)]
                for plan in plans:
                    await running.settled(plan)
            slow.fail("hook", times=1000, how="hang")
            await running.pass_time(seconds=10)
            await slow.until(lambda: len(slow.calls) > 80)
            await running.complete(plans[0])
            await quick.until(lambda: quick.hooks)
            await slow.stop()


async def test_a_receiver_that_is_gone_gets_nothing_new_until_a_replay_succeeds(tmp_path: Path) -> None:
    async with told(tmp_path) as (receiver, running):
        receiver.script(Answer(410, b"moved away"))
        plan = await running.finished()
        delivery, [attempt] = await running.settled(plan)
        assert (delivery.state, attempt.status, attempt.answer) == (DeliveryState.DEAD, 410, "moved away")

        other = await running.finished()
        refused, [refusal] = await running.settled(other)
        assert refused.state is DeliveryState.DEAD
        assert "disabled" in str(refusal.error)
        assert len(receiver.hooks) == 1
        event, details = (await running.log(other))[-1]
        assert (event, details["endpoint"], details["event"]) == ("untold", "e0", "finish_planning")

        await running.call("POST", f"/deliveries/{refused.effect.id}/replay", by="root")
        await receiver.until(lambda: len(receiver.hooks) == 2)
        await running.settled(other, 2)
        await running.submitted()
        await receiver.until(lambda: len(receiver.hooks) == 4)


async def test_a_receiver_that_only_fails_for_five_days_is_disabled_across_restarts(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        settings = settings_for(tmp_path, receiver, wait_for_callback=False)
        start = datetime.now(UTC)
        with receiver.outage(status=503, how="answer"):
            async with fabu(settings, start) as running:
                await running.settled(await running.finished())
            async with fabu(settings, start + timedelta(days=4)) as running:
                delivery, [attempt] = await running.settled(await running.finished())
                assert (delivery.state, attempt.status) == (DeliveryState.PENDING, 503)
            async with fabu(settings, start + timedelta(days=6)) as running:
                plan = await running.finished()
                delivery, [refusal] = await running.settled(plan)
                assert "it has failed for 5 days" in str(refusal.error)
                assert delivery.state is DeliveryState.DEAD
        assert all(call.arguments["release_plan"]["id"] != plan["id"] for call in receiver.calls)


async def test_ten_tries_are_made_and_then_people_are_told(tmp_path: Path) -> None:
    async with told(tmp_path) as (receiver, running):
        with receiver.outage(status=500, how="answer"):
            plan = await running.finished()
            for tries in range(1, 10):
                await running.settled(plan, tries)
                await running.pass_time(hours=30)
            delivery, attempts = await running.settled(plan, 10)
        assert (delivery.state, len(attempts)) == (DeliveryState.DEAD, 10)
        assert [event for event, _ in await running.log(plan)][-2:] == ["untold", "endpoint_disabled"]
        await running.call("POST", f"/deliveries/{delivery.effect.id}/replay", by="root")
        await running.settled(plan, 11)
        (hook,) = receiver.hooks
        assert hook.plan["id"] == plan["id"]


async def test_a_deleted_plan_is_still_told_until_its_receiver_is_given_up(tmp_path: Path) -> None:
    async with told(tmp_path) as (receiver, running):
        receiver.script(Answer(500), Answer(410))
        plan = await running.finished()
        await running.settled(plan)
        await running.call("POST", f"/plans/{plan['id']}/cancel")
        await running.call("DELETE", f"/plans/{plan['id']}")
        await running.pass_time(seconds=6)
        delivery, _ = await running.settled(plan, 2)
        assert delivery.state is DeliveryState.DEAD
        assert len(receiver.hooks) == 2


async def test_a_hook_for_an_endpoint_that_was_removed_ends(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        with receiver.outage():
            async with fabu(settings_for(tmp_path, receiver)) as running:
                plan = await running.finished()
                await running.settled(plan)
        async with fabu(settings_for(tmp_path), datetime.now(UTC) + AFTER_LEASE) as running:
            delivery, attempts = await running.settled(plan, 2)
            assert delivery.state is DeliveryState.DEAD
            assert "not in the settings" in str(attempts[1].error)
            assert (await running.log(plan))[-1][0] == "untold"


CHILD = """
import asyncio, json, os, signal, sys
from bot.app import run_app
from bot.services import SERVICES
from config.settings import Settings
from core import commands as c
from core.draft import PlanDraft

async def main():
    async with run_app(Settings.model_validate(json.loads(sys.argv[1]))) as app:
        services = app[SERVICES]
        engine, alice = services.engine, services.engine.directory.actor("alice", "api")
        draft = PlanDraft.model_validate({"name": "Release", "items": [{"key": "a", "name": "A", "type": "text"}]})
        await engine.execute(c.Create(plan_id="0" * 32, draft=draft), alice)
        if sys.argv[2] == "committed":
            engine.listen(lambda _: os.kill(os.getpid(), signal.SIGKILL))
        await engine.execute(c.Finish(plan_id="0" * 32), alice)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("killed", ["committed", "sending"])
async def test_a_hook_outlives_the_death_of_its_sender(tmp_path: Path, killed: str) -> None:
    async with Receiver(SECRET) as receiver:
        values = values_for(tmp_path, receiver)
        receiver.fail("hook", times=int(killed == "sending"), how="hang")
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, json.dumps(values), killed, cwd=Path(__file__).parents[2]
        )
        if killed == "sending":
            await receiver.until(lambda: receiver.calls)
            os.kill(child.pid, signal.SIGKILL)
        assert await child.wait() == -signal.SIGKILL

        async with fabu(Settings.model_validate(values), datetime.now(UTC) + AFTER_LEASE) as running:
            await receiver.until(lambda: receiver.hooks)
            delivery, _ = await running.settled({"id": "0" * 32})
            (hook,) = receiver.hooks
            assert hook.problems == []
            assert hook.id == delivery.effect.id
            assert delivery.attempts == (2 if killed == "sending" else 1)
            sent = [call.arguments for call in receiver.calls]
            assert sent == [hook.body] * len(sent), "every try sends the same"
