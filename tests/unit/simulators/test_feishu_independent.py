"""The simulator and the adapter's wire code against lark-oapi itself, an independent party, in a process of its own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.feishu import crypto
from tests.simulators.feishu import FeishuSimulator
from tests.simulators.feishu_platform import FeishuPlatform, encrypted, signed
from tests.unit.adapters.feishu.cards import card

ROOT = Path(__file__).parents[3]

DISPATCHER = """
import base64, json, sys
import lark_oapi as lark
from lark_oapi.core.model import RawRequest
from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse as Response

def clicked(event):
    seen = {"who": event.event.operator.open_id, "value": event.event.action.value}
    return Response({"toast": {"type": "info", "content": json.dumps(seen)}})

pushes = json.load(sys.stdin)
handler = lark.EventDispatcherHandler.builder(pushes["key"], pushes["token"]) \\
    .register_p2_card_action_trigger(clicked) \\
    .register_p1_customized_event("approval_instance", lambda event: None).build()
answers = []
for body, headers in pushes["pushes"]:
    request = RawRequest()
    request.uri, request.headers, request.body = "/feishu/events", headers, base64.b64decode(body)
    response = handler.do(request)
    answers.append([response.status_code, json.loads(response.content)])
print(json.dumps(answers))
"""

CLIENT = """
import json, sys
import lark_oapi as lark
from lark_oapi.api.im.v1 import *
from lark_oapi.api.contact.v3 import *

url, app_id, secret, card = json.load(sys.stdin)
client = lark.Client.builder().app_id(app_id).app_secret(secret).domain(url).timeout(60).build()
body = CreateMessageRequestBody.builder().receive_id("oc_ops").msg_type("interactive").content(card).uuid("u1").build()
sent = client.im.v1.message.create(
    CreateMessageRequest.builder().receive_id_type("chat_id").request_body(body).build())
changed = client.im.v1.message.patch(PatchMessageRequest.builder().message_id(sent.data.message_id).request_body(
    PatchMessageRequestBody.builder().content(card).build()).build())
found = client.contact.v3.user.batch_get_id(BatchGetIdUserRequest.builder().user_id_type("open_id").request_body(
    BatchGetIdUserRequestBody.builder().emails(["alice@example.com"]).build()).build())
print(json.dumps([sent.success(), sent.data.message_id, changed.success(), found.data.user_list[0].user_id]))
"""

SOCKET = """
import json, sys
import lark_oapi as lark

print("imported", flush=True)
url, app_id, secret = json.load(sys.stdin)
handler = lark.EventDispatcherHandler.builder("", "").register_p2_im_message_receive_v1(lambda event: None).build()
lark.ws.Client(app_id, secret, event_handler=handler, domain=url, auto_reconnect=False).start()
"""


@pytest.fixture
async def feishu() -> AsyncIterator[FeishuSimulator]:
    async with FeishuSimulator() as simulator:
        simulator.add_user("ou_alice", email="alice@example.com")
        simulator.add_chat("oc_ops")
        yield simulator


async def start(program: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
    )


async def run(program: str, given: object) -> Any:
    process = await start(program)
    output, errors = await process.communicate(json.dumps(given).encode())
    assert process.returncode == 0, errors.decode()
    return json.loads(output.splitlines()[-1])


async def test_the_sdk_accepts_what_the_simulator_pushes(feishu: FeishuSimulator) -> None:
    platform = FeishuPlatform(feishu)
    click = {
        "operator": {"open_id": "ou_alice"},
        "action": {"value": {"ref": "r1"}, "tag": "button"},
        "context": {"open_message_id": "om_1", "open_chat_id": "oc_1"},
    }
    approval = {"uuid": "u1", "token": feishu.verification_token, "event": {"type": "approval_instance"}}
    challenge = {"type": "url_verification", "token": feishu.verification_token, "challenge": "发布"}
    envelopes = [platform.envelope("card.action.trigger", click), approval, challenge]
    sealed = [encrypted(one, feishu.encrypt_key) for one in envelopes]
    pushes = [(base64.b64encode(one).decode(), signed(one, feishu.encrypt_key, 1.0)) for one in sealed]
    given = {"key": feishu.encrypt_key, "token": feishu.verification_token, "pushes": pushes}
    clicked, approved, challenged = await run(DISPATCHER, given)
    assert clicked[0] == 200
    assert json.loads(clicked[1]["toast"]["content"]) == {"who": "ou_alice", "value": {"ref": "r1"}}
    assert approved[0] == 200
    assert challenged == [200, {"challenge": "发布"}]


async def test_the_sdks_client_is_served(feishu: FeishuSimulator) -> None:
    given = [feishu.url, feishu.app_id, feishu.app_secret, json.dumps(card(title="发布"))]
    sent, message_id, changed, found = await run(CLIENT, given)
    assert (sent, changed, found) == (True, True, "ou_alice")
    assert feishu.messages[message_id].content == card(title="发布")


async def test_the_sdks_long_connection_is_served(feishu: FeishuSimulator) -> None:
    process = await start(SOCKET)
    assert process.stdin
    process.stdin.write(json.dumps([feishu.url, feishu.app_id, feishu.app_secret]).encode())
    process.stdin.write_eof()
    assert process.stdout
    assert await process.stdout.readline() == b"imported\n"
    await feishu.until(lambda: feishu.sockets.pings)
    envelope = FeishuPlatform(feishu).envelope("im.message.receive_v1", {"message": {"message_id": "om_1"}})
    assert await feishu.sockets.push(envelope, parts=3) == (200, {})
    process.terminate()
    await process.communicate()


def test_the_example_of_the_documentation_is_decrypted() -> None:
    """Feishu docs, "Encrypt Key": key `test key` and this text give `hello world`."""
    encoded = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="
    assert crypto.decrypt("test key", encoded) == b"hello world"


def test_the_signature_is_that_of_the_documentation() -> None:
    """Feishu docs, "Encrypt Key": SHA-256 over timestamp, nonce, key and body, put together as bytes."""
    expected = hashlib.sha256(b"1600000000" + b"abc" + b"test key" + b'{"encrypt":"x"}').hexdigest()
    assert crypto.sign("1600000000", "abc", "test key", b'{"encrypt":"x"}') == expected
