from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.dingtalk.crypto import CardVerifier, EventCrypto, EventVerifier, RobotVerifier
from core.errors import Unauthorized
from tests.simulators.dingtalk_platform import Console, EventSeal, card_headers, robot_headers

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
CONSOLE = Console()
SEAL = EventSeal(CONSOLE.token, CONSOLE.aes_key, "ding_app")
MESSAGE = json.dumps({"msgId": "m1", "robotCode": "ding_app"}).encode()

Proof = dict[str, str]
Verify = Callable[[Proof, bytes, datetime], dict[str, Any]]

robot = RobotVerifier("secret", "ding_app").verify
card = CardVerifier("secret").verify
event = EventVerifier(EventCrypto(CONSOLE.token, CONSOLE.aes_key, "ding_app")).verify


def milliseconds(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))


def signed_robot(at: datetime = NOW, secret: str = "secret") -> tuple[Proof, bytes]:
    return robot_headers(secret, milliseconds(at)), MESSAGE


def signed_card(at: datetime = NOW, secret: str = "secret") -> tuple[Proof, bytes]:
    return card_headers(secret, milliseconds(at)), b'{"outTrackId":"c1"}'


def signed_event(at: datetime = NOW, secret: str = CONSOLE.token) -> tuple[Proof, bytes]:
    encrypt = SEAL.seal('{"EventType":"审批"}')
    seal = EventSeal(secret, CONSOLE.aes_key, "ding_app")
    query = {"timestamp": milliseconds(at), "nonce": "n", "signature": seal.signature(milliseconds(at), "n", encrypt)}
    return query, json.dumps({"encrypt": encrypt}).encode()


SCHEMES = [(robot, signed_robot), (card, signed_card), (event, signed_event)]
schemes = pytest.mark.parametrize(("verify", "sign"), SCHEMES, ids=["robot", "card", "event"])


@schemes
def test_what_the_platform_signs_passes(verify: Verify, sign: Callable[..., tuple[Proof, bytes]]) -> None:
    assert verify(*sign(NOW), NOW)
    assert verify(*sign(NOW - timedelta(minutes=5)), NOW)


def test_an_event_is_decrypted() -> None:
    assert event(*signed_event(), NOW) == {"EventType": "审批"}


def test_an_event_may_use_the_newer_names() -> None:
    query, body = signed_event()
    assert event({"timeStamp": query["timestamp"], "nonce": "n", "msg_signature": query["signature"]}, body, NOW)


@schemes
@pytest.mark.parametrize("late", [timedelta(minutes=5, milliseconds=1), timedelta(minutes=-6)])
def test_a_stale_request_is_refused(verify: Verify, sign: Callable[..., tuple[Proof, bytes]], late: timedelta) -> None:
    with pytest.raises(Unauthorized):
        verify(*sign(NOW - late), NOW)


@schemes
def test_another_secret_is_refused(verify: Verify, sign: Callable[..., tuple[Proof, bytes]]) -> None:
    with pytest.raises(Unauthorized):
        verify(*sign(NOW, "other"), NOW)


@schemes
@pytest.mark.parametrize("value", ["", "yesterday", "１６０８", "-1", "1e3", "9" * 14, "9" * 400, "\udcff", "密"])
def test_strange_values_are_refused(verify: Verify, sign: Callable[..., tuple[Proof, bytes]], value: str) -> None:
    proof, body = sign()
    for name in proof.keys() - {"nonce"}:
        with pytest.raises(Unauthorized):
            verify({**proof, name: value}, body, NOW)
        with pytest.raises(Unauthorized):
            verify({other: proof[other] for other in proof if other != name}, body, NOW)


NO_OBJECTS = [b"", b"\xff", b"[]", b"null", b"[" * 100_000, b'{"encrypt":"\\ud800"}']
NO_EVENTS = [b"{}", b'{"encrypt":1}', b'{"encrypt":"AAAA"}']
strange_bodies = [
    *((verify, sign, body) for verify, sign in SCHEMES for body in NO_OBJECTS),
    *((event, signed_event, body) for body in NO_EVENTS),
    *((robot, signed_robot, body) for body in NO_EVENTS),
]


@pytest.mark.parametrize(("verify", "sign", "body"), strange_bodies)
def test_strange_bodies_are_refused(verify: Verify, sign: Callable[..., tuple[Proof, bytes]], body: bytes) -> None:
    with pytest.raises(Unauthorized):
        verify(sign()[0], body, NOW)


def test_a_message_to_another_robot_is_refused() -> None:
    proof, _ = signed_robot()
    with pytest.raises(Unauthorized):
        robot(proof, b'{"msgId":"m1","robotCode":"ding_other"}', NOW)


def test_an_event_sealed_with_another_key_is_refused() -> None:
    encrypt = EventSeal(CONSOLE.token, "A" * 43, "ding_app").seal("{}")
    query = {"timestamp": milliseconds(NOW), "nonce": "n", "signature": SEAL.signature(milliseconds(NOW), "n", encrypt)}
    with pytest.raises(Unauthorized):
        event(query, json.dumps({"encrypt": encrypt}).encode(), NOW)


def test_an_empty_secret_is_refused() -> None:
    for make in (lambda: RobotVerifier("", "ding_app"), lambda: RobotVerifier("secret", ""), lambda: CardVerifier("")):
        with pytest.raises(ValueError, match="empty"):
            make()
