from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout

from adapters.hooks import sender
from adapters.hooks.guard import guarded_session
from adapters.hooks.sender import Attempt, Outcome
from tests.simulators.receiver import Answer, Receiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NEXT_SECRET = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
CODE = "0123456789abcdef"
PLAN: dict[str, Any] = {
    "id": "68b7ec363306e52e21b2dbe6",
    "index": 52,
    "event_name": "start_execute",
    "name": "发布 52",
    "manager": "alice",
    "manager_id": "alice",
    "start_time": 0,
    "end_time": 0,
    "schedule_execute_time": 0,
    "description": "<p>ok</p>",
    "created_by": "alice",
    "create_time": 1756884022,
    "updated_by": "alice",
    "update_time": 1756884022,
    "instance_code": CODE,
    "jobs": [],
    "status": "executing",
    "planning_time": 0,
    "approval_time": 0,
    "executing_time": 1756884022,
    "success_time": 0,
}
BODY = json.dumps(
    {"object_kind": "release_plan", "event": "start_execute", "workflow": None, "release_plan": PLAN},
    ensure_ascii=False,
    indent=1,
).encode()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver(SECRET, token="zadig-secret") as simulator:
        yield simulator


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with guarded_session(["127.0.0.0/8"], ClientTimeout(total=0.5, connect=0.5)) as opened:
        yield opened


def target(receiver: Receiver, **changes: Any) -> sender.Receiver:
    values = {"secrets": (SECRET,), "zadig_token": "zadig-secret", "instance": "http://fabu.example"}
    return sender.Receiver(receiver.hook_url, **values | changes)


async def post(session: ClientSession, to: sender.Receiver, effect_id: str = "effect-1") -> Attempt:
    now = datetime.now(UTC)
    return await sender.send(session, to, BODY, event="start_execute", effect_id=effect_id, now=now, code=CODE)


async def test_a_strict_receiver_accepts_headers_signature_and_body(receiver: Receiver, session: ClientSession) -> None:
    attempt = await post(session, target(receiver))
    assert (attempt.outcome, attempt.status, attempt.answer) == (Outcome.DELIVERED, 200, '{"message": "success"}')
    assert receiver.hooks[0].problems == []
    assert receiver.hooks[0].raw == BODY


async def test_the_ids_are_the_same_in_every_attempt_and_differ_between_hooks(
    receiver: Receiver, session: ClientSession
) -> None:
    for effect_id in ("effect-1", "effect-1", "effect-2"):
        await post(session, target(receiver), effect_id)
    for name in ("webhook-id", "X-Zadig-Event-UUID", "X-Zadig-Webhook-UUID"):
        first, again, other = (hook.headers[name] for hook in receiver.hooks)
        assert first == again != other


async def test_during_a_rotation_a_receiver_with_either_secret_is_served(
    receiver: Receiver, session: ClientSession
) -> None:
    for secret in (SECRET, NEXT_SECRET):
        receiver.secret = secret
        attempt = await post(session, target(receiver, secrets=(NEXT_SECRET, SECRET)))
        assert attempt.outcome is Outcome.DELIVERED


async def test_the_token_goes_out_in_clear_only_when_it_is_set(receiver: Receiver, session: ClientSession) -> None:
    receiver.token = None
    assert (await post(session, target(receiver, zadig_token=None))).outcome is Outcome.DELIVERED
    assert (await post(session, target(receiver))).status == 400


async def test_a_receiver_with_another_secret_is_tried_again(receiver: Receiver, session: ClientSession) -> None:
    attempt = await post(session, target(receiver, secrets=(NEXT_SECRET,)))
    assert (attempt.outcome, attempt.status) == (Outcome.RETRY, 401)
    assert "No matching signature" in attempt.answer


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (301, Outcome.RETRY),
        (304, Outcome.RETRY),
        (400, Outcome.RETRY),
        (404, Outcome.RETRY),
        (410, Outcome.DISABLE),
        (429, Outcome.RETRY),
        (500, Outcome.RETRY),
        (503, Outcome.RETRY),
    ],
)
async def test_the_status_decides(receiver: Receiver, session: ClientSession, status: int, outcome: Outcome) -> None:
    receiver.script(Answer(status, body=b"", headers={"Location": f"{receiver.url}/elsewhere"}))
    attempt = await post(session, target(receiver))
    assert (attempt.outcome, attempt.status) == (outcome, status)
    assert receiver.led_astray == 0


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_receiver_says_when_to_come_back(receiver: Receiver, session: ClientSession, status: int) -> None:
    receiver.script(Answer(status, headers={"Retry-After": "120"}))
    assert (await post(session, target(receiver))).retry_after == timedelta(minutes=2)

    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    receiver.script(Answer(status, headers={"Retry-After": in_an_hour}))
    wait = (await post(session, target(receiver))).retry_after
    assert wait is not None
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)


@pytest.mark.parametrize("junk", ["", "soon", "-5", "1.5", "²", "Mon, 99 Foo 2026 00:00:00 GMT"])
async def test_a_retry_after_that_is_junk_is_ignored(receiver: Receiver, session: ClientSession, junk: str) -> None:
    receiver.script(Answer(429, headers={"Retry-After": junk}))
    attempt = await post(session, target(receiver))
    assert (attempt.status, attempt.retry_after) == (429, None)


async def test_an_hour_that_has_passed_means_now(receiver: Receiver, session: ClientSession) -> None:
    receiver.script(Answer(429, headers={"Retry-After": "Sun, 01 Mar 2020 00:00:00 GMT"}))
    assert (await post(session, target(receiver))).retry_after == timedelta(0)


async def test_garbage_with_a_good_status_is_delivered(receiver: Receiver, session: ClientSession) -> None:
    receiver.script(Answer(body=b"\xff\x00<garbage"))
    attempt = await post(session, target(receiver))
    assert attempt.outcome is Outcome.DELIVERED
    assert attempt.answer.endswith("<garbage")


async def test_a_compressed_bomb_is_not_unpacked(receiver: Receiver, session: ClientSession) -> None:
    receiver.script(Answer(body=b"not really gzip", headers={"Content-Encoding": "gzip"}))
    assert (await post(session, target(receiver))).answer == "not really gzip"


async def test_only_the_head_of_an_endless_answer_is_read(receiver: Receiver, session: ClientSession) -> None:
    receiver.script(Answer(body=b"x" * 1000, ending="endless"))
    attempt = await post(session, target(receiver))
    assert attempt.outcome is Outcome.DELIVERED
    assert len(attempt.answer) == sender.ANSWER_LIMIT


async def test_an_instance_code_that_comes_back_is_not_kept(receiver: Receiver, session: ClientSession) -> None:
    cut = b"x" * (sender.ANSWER_LIMIT - 9) + CODE.encode()
    receiver.script(Answer(body=b"got " + CODE.encode() + b" twice " + CODE.encode()), Answer(body=cut))
    stars = "*" * len(CODE)
    assert (await post(session, target(receiver))).answer == f"got {stars} twice {stars}"
    assert (await post(session, target(receiver))).answer == "x" * (sender.ANSWER_LIMIT - 9) + "*" * 9


async def test_an_answer_that_breaks_off_is_no_answer(receiver: Receiver, session: ClientSession) -> None:
    receiver.script(Answer(body=b'{"mess', ending="cut"))
    attempt = await post(session, target(receiver))
    assert (attempt.outcome, attempt.status) == (Outcome.RETRY, None)
    assert "not completed" in str(attempt.error)


async def test_a_slow_receiver_is_given_up(receiver: Receiver, session: ClientSession) -> None:
    receiver.script(Answer(delay=0.8))
    attempt = await post(session, target(receiver))
    assert (attempt.outcome, str(attempt.error)) == (Outcome.RETRY, "timed out")
    assert attempt.ms >= 400


async def test_a_receiver_that_hangs_closes_or_is_down_is_tried_again(
    receiver: Receiver, session: ClientSession
) -> None:
    receiver.fail("hook", how="hang")
    assert str((await post(session, target(receiver))).error) == "timed out"
    receiver.fail("hook", how="close")
    assert (await post(session, target(receiver))).outcome is Outcome.RETRY
    to = target(receiver)
    await receiver.stop()
    assert "Connect call failed" in str((await post(session, to)).error)


async def test_a_server_that_speaks_no_http_is_tried_again(session: ClientSession) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/hook?token=s3cret"
        attempt = await post(session, sender.Receiver(url, instance="http://fabu.example"))
    assert attempt.outcome is Outcome.RETRY
    assert str(attempt.error).startswith("the answer is not valid HTTP")
    assert "s3cret" not in str(attempt.error)


async def test_an_internal_address_is_not_called_and_the_error_says_what_to_do(receiver: Receiver) -> None:
    async with guarded_session() as session:
        attempt = await post(session, target(receiver))
    assert attempt.outcome is Outcome.RETRY
    assert "hooks.allow_internal" in str(attempt.error)
    assert receiver.calls == []


@pytest.mark.parametrize("url", ["ftp://example.com/?token=s3cret", "http://", "no url ?token=s3cret"])
async def test_an_address_that_is_none_is_an_error_without_the_address(session: ClientSession, url: str) -> None:
    attempt = await post(session, sender.Receiver(url, instance="http://fabu.example"))
    assert (attempt.outcome, str(attempt.error)) == (Outcome.RETRY, "the address is no valid URL")


async def test_the_receiver_is_strict_about_the_body(receiver: Receiver, session: ClientSession) -> None:
    spoilt = json.loads(BODY)
    spoilt["release_plan"] |= {"index": "52", "jobs": None}
    del spoilt["release_plan"]["instance_code"]
    attempt = await sender.send(
        session,
        target(receiver),
        json.dumps(spoilt).encode(),
        event="start_execute",
        effect_id="e",
        now=datetime.now(UTC),
        code=CODE,
    )
    assert attempt.status == 400
    assert receiver.hooks[0].problems == [
        "$.release_plan.index: int is expected, not str",
        "$.release_plan.instance_code: missing",
        "$.release_plan.jobs: a list is expected, not null",
    ]
