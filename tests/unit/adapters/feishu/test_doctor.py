from __future__ import annotations

from adapters.common.system import SystemClock
from adapters.feishu.client import FeishuClient
from adapters.feishu.doctor import examine
from core.ports.checkup import Finding
from tests.simulators.feishu import FeishuSimulator

from .app import section_of
from .test_client_approvals import definition


def wrong(found: list[Finding]) -> list[Finding]:
    assert all(one.cure for one in found if not one.ok)
    return [one for one in found if not one.ok]


async def test_a_well_made_app_has_nothing_wrong(feishu: FeishuSimulator, client: FeishuClient) -> None:
    code = await client.create_definition(definition())
    found = await examine(section_of(feishu, chat_id="oc_ops", approval_code=code), client)
    assert wrong(found) == []
    assert len(found) == 9
    assert feishu.messages == {}


async def test_the_long_connection_is_opened_and_closed(feishu: FeishuSimulator, client: FeishuClient) -> None:
    settings = section_of(feishu, mode="long_connection")
    found = await examine(settings, client)
    assert wrong(found) == []
    assert "Feishu's long connection can be opened" in [one.text for one in found]
    assert feishu.sockets.accepted == 1
    await feishu.until(lambda: not feishu.sockets.open)
    feishu.fail("ws.connect", status=403)
    [refused] = wrong(await examine(settings, client))
    assert refused.text == "Feishu's long connection cannot be opened: no connection (HTTP 403)"
    feishu.fail("ws.connect", 2, how="close")  # aiohttp tries once more
    [lost] = wrong(await examine(settings, client))
    assert "ticket" not in lost.text
    feishu.fail("ws.endpoint", status=200, body={"code": 1000040343, "msg": "internal error"})
    [endpoint] = wrong(await examine(settings, client))
    assert "internal error" in endpoint.text


async def test_a_wrong_secret_is_told_without_it(feishu: FeishuSimulator) -> None:
    settings = section_of(feishu, app_secret="wrong-secret", chat_id="oc_ops")
    (found,) = await examine(settings, FeishuClient(settings, SystemClock()))
    assert not found.ok
    assert "app secret invalid" in found.text
    assert "wrong-secret" not in found.text + found.cure


async def test_an_app_that_was_never_published_is_told(feishu: FeishuSimulator, client: FeishuClient) -> None:
    feishu.activate_status = 0
    (found,) = wrong(await examine(section_of(feishu), client))
    assert "is not enabled" in found.text


async def test_missing_permissions_are_named(feishu: FeishuSimulator, client: FeishuClient) -> None:
    feishu.scopes -= {"contact:user.email:readonly", "approval:approval"}
    (found,) = wrong(await examine(section_of(feishu, chat_id="oc_ops"), client))
    assert "e-mail addresses" in found.text
    assert "contact:user.email:readonly" in found.cure


async def test_a_group_without_the_bot_is_told(feishu: FeishuSimulator, client: FeishuClient) -> None:
    (found,) = wrong(await examine(section_of(feishu, chat_id="oc_elsewhere"), client))
    assert "oc_elsewhere" in found.text


async def test_what_cannot_be_read_is_told(feishu: FeishuSimulator, client: FeishuClient) -> None:
    refusal = {"code": 99991672, "msg": "Access denied"}
    feishu.fail("application.scope.list", status=400, body={"code": 212100, "msg": "app not install"})
    feishu.fail("im.chat.is_in_chat", status=400, body=refusal)
    found = wrong(await examine(section_of(feishu, chat_id="oc_ops", approval_code="nowhere"), client))
    assert ["not install" in found[0].text, "denied" in found[1].text, "not found" in found[2].text] == [True] * 3
