from __future__ import annotations

import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from adapters.common.system import SystemClock
from adapters.dingtalk.client import Approvers, DingTalkClient, Space
from adapters.dingtalk.settings import DingTalkSettings
from core.errors import DeliveryError
from tests.adapters import changed
from tests.simulators.base import How
from tests.simulators.dingtalk import DingTalkSimulator

from .conftest import variables

GROUP = Space("group", "cid1")
THROTTLED = {"code": "Forbidden.AccessDenied.QpsLimitForApi", "message": "too many"}


async def test_a_card_reaches_the_group_and_the_user(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    await client.create_and_deliver("c1", GROUP, variables(title="发布"), {"bob": {"note": "hi"}})
    await client.create_and_deliver("c2", Space("user", "alice"), variables())
    (card,) = ding.cards("cid1")
    assert card.params["title"] == "发布"
    assert ding.vars_of(card, "bob")["note"] == "hi"
    assert "note" not in ding.vars_of(card, "alice")
    assert [card.out_track_id for card in ding.cards("alice")] == ["c2"]


async def test_the_same_card_is_not_made_twice(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    await client.create_and_deliver("c1", GROUP, variables(title="first"))
    await client.create_and_deliver("c1", GROUP, variables(title="second"))
    assert [card.params["title"] for card in ding.cards("cid1")] == ["first"]


async def test_an_update_changes_the_card(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    await client.create_and_deliver("c1", GROUP, variables(title="发布", status="waiting"))
    await client.update_card("c1", variables(status="approved", n1_execute="true"), {"bob": {"note": "thanks"}})
    (card,) = ding.cards("cid1")
    assert (card.params["status"], card.params["n1_execute"]) == ("approved", "true")
    assert card.private == {"bob": {"note": "thanks"}}


async def test_a_card_that_does_not_fit_the_template_is_not_sent(
    ding: DingTalkSimulator, client: DingTalkClient
) -> None:
    with pytest.raises(DeliveryError, match="ask: longer than 1024 bytes") as raised:
        await client.create_and_deliver("c1", GROUP, variables(ask="发" * 342))
    assert (raised.value.retryable, raised.value.sent) == (False, False)
    with pytest.raises(DeliveryError, match="colour: no such variable"):
        await client.update_card("c1", variables(colour="red"))
    assert ding.calls == []


async def test_a_card_that_is_not_delivered_is_an_error(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    ding.undeliverable["cid1"] = "the robot is not in the group"
    with pytest.raises(DeliveryError, match="the robot is not in the group") as caught:
        await client.create_and_deliver("c1", GROUP, variables())
    assert not caught.value.retryable


async def test_an_expired_token_is_replaced_once(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    await client.create_and_deliver("c1", GROUP, variables())
    ding.tokens.expire()
    await client.update_card("c1", variables(status="approved"))
    ding.tokens.expire()
    assert await client.find_user_by_mobile("13800000001") == "alice"
    assert len(ding.calls_to("token")) == 3


@pytest.mark.parametrize("refusal", [{"errcode": 40014}, {"errcode": 88, "sub_code": "40014"}])
async def test_the_older_api_gets_a_new_token_as_well(
    ding: DingTalkSimulator, client: DingTalkClient, refusal: dict[str, object]
) -> None:
    ding.fail("user.by_mobile", status=200, body=refusal)
    assert await client.find_user_by_mobile("13800000001") == "alice"
    assert len(ding.calls_to("token")) == 2


async def test_a_token_that_stays_refused_is_an_error(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    ding.fail("card.update", 2, status=400, body={"code": "InvalidAuthentication", "message": "no"})
    with pytest.raises(DeliveryError) as caught:
        await client.update_card("c1", variables(status="approved"))
    assert (caught.value.retryable, caught.value.known) == (True, False)


@pytest.mark.parametrize(
    ("status", "body", "retryable", "retry_after"),
    [
        (429, {}, True, 1.0),
        (403, THROTTLED, True, 1.0),
        (500, {"code": "ServiceUnavailable", "message": "later"}, True, None),
        (400, {"code": "param.error", "message": "wrong"}, False, None),
        (403, {"code": "Forbidden.AccessDenied.AccessTokenPermissionDenied", "message": "no right"}, False, None),
        (400, {"code": "internalError", "message": "later"}, True, None),
        (400, {"code": "codeOfTomorrow", "message": "?"}, True, None),
    ],
)
async def test_a_refusal_says_whether_to_try_again(
    ding: DingTalkSimulator,
    client: DingTalkClient,
    status: int,
    body: dict[str, str],
    retryable: bool,
    retry_after: float | None,
) -> None:
    ding.fail("robot.group", status=status, body=body)
    with pytest.raises(DeliveryError) as caught:
        await client.send_robot_group("cid1", "sampleText", {"content": "hi"})
    assert (caught.value.retryable, caught.value.retry_after, caught.value.sent) == (retryable, retry_after, True)


async def test_no_answer_may_have_been_sent(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    ding.workflow.add_form("PROC-1", "plan")
    ding.fail("workflow.start", how="hang")
    with pytest.raises(DeliveryError) as caught:
        await client.start_process("PROC-1", "alice", {"plan": "#12"})
    assert (caught.value.retryable, caught.value.sent) == (True, True)


async def test_no_connection_was_not_sent(
    settings: DingTalkSettings, session: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    nobody = f"http://127.0.0.1:{unused_tcp_port}"
    client = DingTalkClient(changed(settings, api_url=nobody), session, SystemClock())
    with pytest.raises(DeliveryError) as caught:
        await client.send_robot_group("cid1", "sampleText", {"content": "hi"})
    assert (caught.value.retryable, caught.value.sent) == (True, False)


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    ding: DingTalkSimulator, client: DingTalkClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "adapters")
    with ding.outage(how="answer", status=500):
        for _ in range(2):
            with pytest.raises(DeliveryError):
                await client.send_robot_group("cid1", "sampleText", {"content": "hi"})
    await client.send_robot_group("cid1", "sampleText", {"content": "hi"})
    assert await client.find_user_by_mobile("13900000000") is None
    lost, restored = [f"{r.levelname} {r.getMessage()}" for r in caplog.records if r.name.startswith("adapters.")]
    assert lost.startswith("WARNING DingTalk cannot be reached: ")
    assert lost.endswith(f"; let this machine reach {ding.url}, or check dingtalk.api_url")
    assert restored == "INFO DingTalk can be reached again"


async def test_errors_do_not_tell_secrets(
    ding: DingTalkSimulator, settings: DingTalkSettings, session: aiohttp.ClientSession
) -> None:
    client = DingTalkClient(changed(settings, client_secret="wrong-but-secret"), session, SystemClock())
    with pytest.raises(DeliveryError) as caught:
        await client.send_robot_group("cid1", "sampleText", {"content": "hi"})
    assert "wrong-but-secret" not in repr(caught.value)
    assert not caught.value.retryable


REFUSALS: list[tuple[str, dict[str, object], bool]] = [
    ("card.update", {"success": False}, False),
    ("card.register", {"success": False}, False),
    ("robot.users", {"flowControlledStaffIdList": ["alice"]}, True),
    ("user.by_mobile", {"errcode": 90018, "errmsg": "too many"}, True),
    ("user.by_mobile", {"errcode": 400002, "errmsg": "wrong"}, False),
    ("user.by_mobile", {"errcode": -1, "errmsg": "系统繁忙"}, True),
    ("user.by_mobile", {"errcode": 88, "sub_code": "60011", "sub_msg": "没有调用该接口的权限"}, False),
    ("user.by_mobile", {"errcode": 88, "sub_code": "90018", "sub_msg": "too many"}, True),
    ("user.by_mobile", {"errcode": 777777, "errmsg": "of tomorrow"}, True),
]


async def use(client: DingTalkClient, operation: str) -> None:
    match operation:
        case "card.update":
            await client.update_card("c1", variables(status="approved"))
        case "card.register":
            await client.register_card_callback("https://fabu.example/dingtalk/card", "secret")
        case "robot.users":
            await client.send_robot_user(["alice"], "sampleText", {"content": "hi"})
        case _:
            await client.find_user_by_mobile("13800000001")


@pytest.mark.parametrize(("operation", "body", "retryable"), REFUSALS)
async def test_status_200_is_not_taken_for_success(
    ding: DingTalkSimulator, client: DingTalkClient, operation: str, body: dict[str, object], retryable: bool
) -> None:
    ding.fail(operation, status=200, body=body)
    with pytest.raises(DeliveryError) as caught:
        await use(client, operation)
    assert caught.value.retryable is retryable


@pytest.mark.parametrize("how", ["hang", "close", "answer"])
async def test_the_older_api_may_fail_too(ding: DingTalkSimulator, client: DingTalkClient, how: How) -> None:
    ding.fail("user.by_mobile", status=503, how=how)
    with pytest.raises(DeliveryError) as caught:
        await client.find_user_by_mobile("13800000001")
    assert (caught.value.retryable, caught.value.sent) == (True, True)


def test_the_vendors_sdk_is_not_loaded_before_it_is_used() -> None:
    code = "import sys, adapters.dingtalk.client, adapters.dingtalk.connection; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in loaded if name.startswith(("alibabacloud", "Tea", "dingtalk_stream"))]


async def test_robot_messages(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    unknown = await client.send_robot_user(["alice", "ghost"], "sampleMarkdown", {"title": "提醒", "text": "请审批"})
    await client.send_robot_group("cid1", "sampleText", {"content": "开始发布"})
    assert unknown == ["ghost"]
    assert [message.text for message in ding.robot_messages("alice")] == ["请审批"]
    assert [message.text for message in ding.robot_messages("cid1")] == ["开始发布"]


async def test_nobody_has_this_mobile_number(client: DingTalkClient) -> None:
    assert await client.find_user_by_mobile("13900000000") is None


@pytest.mark.parametrize(
    "url", ["https://evil.example/robot", "http://oapi.dingtalk.com/robot", "not a url", "https://h:99999/"]
)
async def test_a_foreign_session_webhook_is_refused(
    settings: DingTalkSettings, session: aiohttp.ClientSession, url: str
) -> None:
    hosts = frozenset({"oapi.dingtalk.com"})
    client = DingTalkClient(changed(settings, webhook_hosts=hosts), session, SystemClock())
    with pytest.raises(DeliveryError, match="does not belong to DingTalk"):
        await client.reply_session_webhook(url, "text", {"content": "hi"})


async def test_an_expired_session_webhook_is_an_error(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    with pytest.raises(DeliveryError, match="300001"):
        await client.reply_session_webhook(f"{ding.url}/robot/sendBySession?session=none", "text", {"content": "hi"})


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("http://api.dingtalk.com", "http://api.dingtalk.com"),
        ("ftp://127.0.0.1", "write the whole URL"),
        ("https://proxy.example/dingtalk", "https://proxy.example/dingtalk"),
    ],
)
async def test_unsafe_addresses_are_refused(
    settings: DingTalkSettings, session: aiohttp.ClientSession, url: str, refusal: str
) -> None:
    with pytest.raises(ValueError, match=refusal):
        DingTalkClient(changed(settings, api_url=url), session, SystemClock())


async def test_an_approval_form_from_start_to_end(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    ding.workflow.add_form("PROC-1", "plan", "window")
    since = datetime.now(UTC) - timedelta(minutes=1)
    form = {"plan": "#12 支付服务", "window": "22:00"}
    approvers = [Approvers("NONE", ["bob"])]
    started = [await client.start_process("PROC-1", "alice", form, approvers) for _ in range(25)]
    process = await client.get_process(started[0])
    assert (process.status, process.originator_user_id) == ("RUNNING", "alice")
    assert [task["userId"] for task in ding.workflow.processes[started[0]].tasks] == ["bob"]
    assert await client.find_processes("PROC-1", since, ["alice"]) == started
    assert await client.find_processes("PROC-1", since, ["bob"]) == []
    await client.terminate_process(started[0], "alice", "replanned")
    assert (await client.get_process(started[0])).status == "TERMINATED"
