"""What external systems answer: who may, what counts, and every way of being refused."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cards.plan import PlanCards
from bot.i18n import Locale
from core.card import plain
from core.effects import Destination, DestinationKind, Effect, RunCancel
from tests.scenario.hooked import NEXT_SECRET, SECRET, Fabu, fabu, settings_for
from tests.simulators.receiver import Hook, Receiver
from tests.waiting import eventually

FINISH_CHECK = "wait_for_finish_planning_external_check"


class Waiting:
    """A plan that waits for the check of its planning, with the hook that told of it."""

    def __init__(self, running: Fabu, receiver: Receiver, plan: Mapping[str, Any], hook: Hook) -> None:
        self.running, self.receiver, self.plan, self.hook = running, receiver, plan, hook

    def body(self, **fields: Any) -> dict[str, Any]:
        """The document's body, with fields replaced; None leaves a field out."""
        told = self.hook.plan
        body = {"release_plan_id": told["id"], "instance_code": told["instance_code"], "result": "success"}
        body = body | {"hook_event": told["event_name"], "failed_reason": ""} | fields
        return {name: value for name, value in body.items() if value is not None}

    async def post(self, data: bytes | dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        url = f"{self.running.url}/api/callback/release_plan"
        async with self.running.session.post(url, data=io.BytesIO(raw), headers=headers) as response:
            return response.status, await response.json()

    async def status(self) -> str:
        return await self.running.status(self.plan)

    async def events(self) -> list[str]:
        return [event for event, _ in await self.running.log(self.plan)]

    async def until(self, event: str, times: int = 1) -> Mapping[str, Any]:
        """Wait until an event has happened so often; return the details of the last time."""

        async def found() -> list[Mapping[str, Any]]:
            return [details for name, details in await self.running.log(self.plan) if name == event]

        return (await eventually(found, wanted=lambda found: len(found) >= times))[-1]

    async def note(self) -> str:
        """What the plan's card says first."""
        plan = await self.running.services.store.read(lambda reading: reading.plans.get(self.plan["id"]))
        card = PlanCards(Locale("en", "UTC"), self.running.services.engine.directory, "").plan(plan)
        return "\n".join(map(plain, card.ask))


@asynccontextmanager
async def waiting(folder: Path, signed_with: str | None = None, **callback: str) -> AsyncIterator[Waiting]:
    async with Receiver(signed_with) as receiver, fabu(settings_for(folder, receiver, callback=callback)) as running:
        plan = await running.finished()
        await receiver.until(lambda: receiver.hooks)
        yield Waiting(running, receiver, plan, receiver.hooks[0])


async def test_a_repeated_answer_is_accepted_and_another_one_is_not(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:
        accepted = 200, {"id": check.plan["id"], "message": "success"}
        assert await check.post(check.body()) == accepted
        assert await check.status() == "finish_planning"
        assert await check.post(check.body()) == accepted
        repeated = {"event": "finish_planning", "result": "success"}
        assert (await check.running.log(check.plan))[-1] == ("check_repeated", repeated)
        status, answer = await check.post(check.body(result="failed"))
        assert (status, answer["code"]) == (409, "contradiction")
        assert (await check.events()).count("check_passed") == 1
        event, details = (await check.running.log(check.plan))[-1]
        assert (event, details) == ("refused", {"verb": "callback", "code": "contradiction"})
        assert (await check.post(check.body(hook_event="all_job_done")))[0] == 409
        assert (await check.running.log(check.plan))[-1][1]["code"] == "wrong_status"


@pytest.mark.parametrize(
    "fields",
    [{"hook_event": "finished_planning"}, {"release_plan_id": 1}, {"release_plan_id": "1"}, {"failed_reason": None},
     {"description": "fine"}, {"extra": {"a": [1]}}],
    ids=str,
)  # fmt: skip
async def test_answers_are_read_leniently(tmp_path: Path, fields: dict[str, Any]) -> None:
    async with waiting(tmp_path) as check:
        assert (await check.post(check.body(**fields)))[0] == 200
        assert await check.status() == "finish_planning"


async def test_a_failed_check_can_be_repeated_with_the_same_code(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:
        assert (await check.post(check.body(result="failed", failed_reason="frozen {x}")))[0] == 200
        assert await check.status() == FINISH_CHECK + "_failed"
        assert "frozen {x}" in await check.note()
        assert (await check.post(check.body()))[0] == 409
        await check.running.call("POST", f"/plans/{check.plan['id']}/recheck")
        await check.receiver.until(lambda: len(check.receiver.hooks) == 2)
        first, again = check.receiver.hooks
        assert again.plan["instance_code"] == first.plan["instance_code"]
        assert again.headers["X-Zadig-Event-UUID"] != first.headers["X-Zadig-Event-UUID"]
        assert await check.status() == FINISH_CHECK
        assert (await check.post(check.body()))[0] == 200
        assert await check.status() == "finish_planning"


async def test_progress_shows_on_the_card_and_is_logged_once(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:
        for _ in range(3):
            assert (await check.post(check.body(result="executing", description="3 of 7 gates")))[0] == 200
        assert await check.status() == FINISH_CHECK
        assert "3 of 7 gates" in await check.note()
        assert (await check.events()).count("check_progressed") == 1
        assert (await check.post(check.body()))[0] == 200


async def test_an_answer_counts_before_its_hook_was_delivered(tmp_path: Path) -> None:
    async with Receiver() as receiver, fabu(settings_for(tmp_path, receiver)) as running:
        with receiver.outage():
            plan = await running.finished()
            await running.settled(plan)
            code = (await running.call("GET", f"/plans/{plan['id']}", by="root"))["instance_code"]
            told = {"id": plan["id"], "instance_code": code, "event_name": "finish_planning"}
            hook = Hook({}, b"", {"release_plan": told}, [])
            assert (await running.answer(receiver, hook))[0] == 200
            assert await running.status(plan) == "finish_planning"
        await running.pass_time(seconds=10)
        await receiver.until(lambda: receiver.hooks)


async def test_a_wait_is_brought_to_mind_and_ends_at_its_deadline(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:
        for minutes, reminders in ((11, 1), (20, 2)):
            check.running.clock.advance(timedelta(minutes=minutes))
            assert (await check.until("check_reminded", reminders))["event"] == "finish_planning"
        check.running.clock.advance(timedelta(minutes=30))
        assert (await check.until("check_failed"))["reason"] == "timeout"
        assert await check.status() == FINISH_CHECK + "_failed"
        assert (await check.post(check.body()))[0] == 409
        await check.running.call("POST", f"/plans/{check.plan['id']}/recheck")
        assert (await check.post(check.body()))[0] == 200
        assert await check.status() == "finish_planning"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"release_plan_id": "0" * 24}, (403, "forbidden")),
        ({"release_plan_id": 987654}, (403, "forbidden")),
        ({"instance_code": "0" * 32}, (403, "forbidden")),
        ({"instance_code": ""}, (403, "forbidden")),
        ({"hook_event": "all_job_done"}, (409, "wrong_status")),
        ({"hook_event": "release_plan"}, (422, "invalid")),
        ({"hook_event": None}, (422, "invalid")),
        ({"result": "maybe"}, (422, "invalid")),
        ({"instance_code": None}, (422, "invalid")),
        ({"release_plan_id": {"$ne": 1}}, (422, "invalid")),
        ({"release_plan_id": True}, (422, "invalid")),
        ({"release_plan_id": ""}, (422, "invalid")),
        ({"failed_reason": "x" * 5000}, (422, "invalid")),
        ({"failed_reason": "\0"}, (422, "invalid")),
        ({"instance_code": "\0"}, (422, "invalid")),
        ({"instance_code": "\ud800"}, (400, "bad_request")),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_refused_answer_says_why_and_changes_nothing(
    tmp_path: Path, fields: dict[str, Any], expected: tuple[int, str]
) -> None:
    async with waiting(tmp_path) as check:
        status, answer = await check.post(check.body(**fields))
        assert (status, answer["code"]) == expected
        assert answer["message"]
        assert check.hook.plan["instance_code"] not in json.dumps(answer)
        assert await check.status() == FINISH_CHECK


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"release_plan_id=1", 400),
        (b"\xff\xfe", 400),
        (b'{"release_plan_id": NaN}', 400),
        (b"[" * 60_000, 400),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
        (b"[]", 422),
        (b"null", 422),
        (b'"success"', 422),
        (b"{}", 422),
        (b'{"a": "' + b"x" * 65_536 + b'"}', 413),
        (b'{"a": "' + b"x" * 10_000_000 + b'"}', 413),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_a_body_that_cannot_be_read_is_refused(tmp_path: Path, raw: bytes, status: int) -> None:
    async with waiting(tmp_path) as check:
        answered, answer = await check.post(raw)
        assert answered == status
        assert answer["message"]


async def test_a_body_of_64_kilobytes_is_read(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:
        body = check.body()
        padding = 64 * 1024 - len(json.dumps(body | {"padding": ""}))
        assert (await check.post(body | {"padding": "x" * padding}))[0] == 200


async def test_a_packed_body_is_refused(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:
        assert (await check.post(gzip.compress(b" " * 10_000_000), **{"Content-Encoding": "gzip"}))[0] == 415


async def test_other_methods_are_refused(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:
        url = f"{check.running.url}/api/callback/release_plan"
        async with check.running.session.get(url) as response:
            assert response.status == 405


async def test_a_wrong_code_is_logged_and_an_earlier_one_is_gone(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:
        plan = f"/plans/{check.plan['id']}"
        assert (await check.post(check.body(instance_code="0" * 32)))[0] == 403
        assert (await check.events())[-1] == "refused"
        for _ in range(2):
            await check.running.call("POST", f"{plan}/replan")
            await check.running.call("POST", f"{plan}/finish")
        first, second, present = await check.receiver.until(
            lambda: check.receiver.hooks if len(check.receiver.hooks) == 3 else None
        )
        await check.running.call("POST", f"{plan}/replan")
        await check.running.call("PATCH", plan, name="Another")
        await check.running.call("POST", f"{plan}/finish")
        for old in (first, second, present):
            status, answer = await check.post(check.body(instance_code=old.plan["instance_code"]))
            assert (status, answer["code"]) == (410, "gone")
        assert await check.status() == FINISH_CHECK
        code = (await check.running.call("GET", plan, by="root"))["instance_code"]
        assert (await check.post(check.body(instance_code=code)))[0] == 200


async def test_a_code_is_known_as_an_earlier_one_however_many_deliveries_came_after_it(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:
        plan = f"/plans/{check.plan['id']}"
        await check.running.call("POST", f"{plan}/replan")
        await check.running.call("POST", f"{plan}/finish")
        old = (await check.receiver.until(lambda: check.receiver.hooks if len(check.receiver.hooks) == 2 else None))[1]
        later = [
            Effect(
                f"{number:032x}", check.plan["id"], Destination(DestinationKind.RUNNER, "gone"), RunCancel("r", "i", "")
            )
            for number in range(201)
        ]
        await check.running.services.store.write(lambda writing: writing.outbox.add(later))
        await check.running.call("POST", f"{plan}/replan")
        status, answer = await check.post(check.body(instance_code=old.plan["instance_code"]))
        assert (status, answer["code"]) == (410, "gone")


async def test_who_tries_out_codes_has_to_wait(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:
        for _ in range(10):
            assert (await check.post(check.body(instance_code="0" * 32)))[0] == 403
        wrong = check.body(instance_code="0" * 32)
        assert (await check.post({**wrong, "release_plan_id": "001"}))[0] == 429, "however the plan is named"
        url = f"{check.running.url}/api/callback/release_plan"
        async with check.running.session.post(url, json=wrong) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "60")
        assert (await check.events()).count("refused") == 10
        other = await check.running.finished()
        code = (await check.running.call("GET", f"/plans/{other['id']}", by="root"))["instance_code"]
        assert (await check.post(check.body(release_plan_id=other["id"], instance_code=code)))[0] == 200
        check.running.clock.advance(timedelta(minutes=1))
        assert (await check.post(wrong))[0] == 403


async def test_who_tries_out_codes_holds_up_nobody_behind_the_same_address(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:
        for _ in range(11):
            await check.post(check.body(instance_code="0" * 32))
        assert (await check.post(check.body()))[0] == 200


async def test_what_comes_after_the_end_of_a_plan_changes_nothing(tmp_path: Path) -> None:
    async with Receiver() as receiver, fabu(settings_for(tmp_path, receiver)) as running:
        plan = await running.submitted()
        for number in (1, 2, 3):
            if number == 3:
                await running.complete(plan)
            hook = (await receiver.until(lambda number=number: receiver.hooks[number - 1 :]))[0]  # type: ignore[misc]
            assert (await running.answer(receiver, hook))[0] == 200
        assert await running.status(plan) == "success"
        for hook in receiver.hooks:
            assert (await running.answer(receiver, hook))[0] == 200, "the same again"
            status, answer = await running.answer(receiver, hook, "failed", failed_reason="too late")
            assert (status, answer["code"]) == (409, "contradiction")
            assert answer["message"]
        assert await running.status(plan) == "success"


async def test_a_deleted_plan_is_not_found(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:
        await check.running.call("POST", f"/plans/{check.plan['id']}/cancel")
        assert (await check.post(check.body()))[0] == 409
        await check.running.call("DELETE", f"/plans/{check.plan['id']}")
        assert (await check.post(check.body()))[0] == 403


async def test_without_a_proof_nobody_learns_which_plans_there_are(tmp_path: Path) -> None:
    async with waiting(tmp_path) as check:

        async def tried(number: str) -> list[tuple[int, str]]:
            bodies = [check.body(release_plan_id=f"{zero}{number}", instance_code="0") for zero in [""] * 10 + ["0"]]
            return [(status, answer["message"]) for status, answer in [await check.post(body) for body in bodies]]

        assert await tried("1") == await tried("999")


async def test_a_bearer_token_may_be_asked_for_as_well(tmp_path: Path) -> None:
    async with waiting(tmp_path, auth="bearer", secret="let-me-in") as check:
        for wrong in ({}, {"Authorization": "Bearer let-me"}, {"Authorization": "let-me-in"}, {"Authorization": ""}):
            status, answer = await check.post(check.body(), **wrong)
            assert (status, answer["code"]) == (401, "unauthorized")
        authorized = {"Authorization": "Bearer let-me-in"}
        assert (await check.post(check.body(release_plan_id="999"), **authorized))[0] == 404
        assert (await check.post(check.body(instance_code="0" * 32), **authorized))[0] == 403
        assert (await check.post(check.body(), **authorized))[0] == 200


async def test_a_signature_may_be_asked_for_as_well(tmp_path: Path) -> None:
    async with waiting(tmp_path, SECRET, auth="signature", secret=SECRET) as check:
        assert (await check.post(check.body()))[0] == 401
        raw = json.dumps(check.body()).encode()
        signed = check.receiver._signature(raw)
        for flawed in (
            signed | {"webhook-timestamp": "1"},
            signed | {"webhook-timestamp": "now"},
            signed | {"webhook-id": "another"},
            {name: value for name, value in signed.items() if name != "webhook-signature"},
        ):
            assert (await check.post(raw, **flawed))[0] == 401
        assert (await check.post(raw + b" ", **signed))[0] == 401
        assert await check.status() == FINISH_CHECK
        assert (await check.post(raw, **signed))[0] == 200
        await check.running.call("POST", f"/plans/{check.plan['id']}/submit")
        assert (await check.post(raw, **signed))[0] == 200, "what comes again counts once"
        assert (await check.events()).count("check_passed") == 1


async def test_zadigs_token_stands_for_a_signature(tmp_path: Path) -> None:
    async with waiting(tmp_path, auth="signature", secret=SECRET) as check:
        assert (await check.post(check.body(), **{"X-Zadig-Token": NEXT_SECRET}))[0] == 401
        assert (await check.post(check.body(), **{"X-Zadig-Token": SECRET}))[0] == 200


@pytest.mark.parametrize("callback", [{"auth": "bearer"}, {"auth": "signature"}, {"auth": "signature", "secret": "%"}])
def test_a_secret_that_proves_nothing_is_refused_by_the_settings(tmp_path: Path, callback: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"callback\.secret"):
        settings_for(tmp_path, callback=callback)
