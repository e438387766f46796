from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from multidict import CIMultiDict

from adapters.feishu.crypto import MAX_BODY, BadRequest, Verifier
from adapters.feishu.events import CardAction, Challenge, Envelope, parse_event
from core.errors import Unauthorized
from tests.simulators.feishu_platform import encrypted, signed

KEY, TOKEN = "encrypt-key", "verification-token"
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
CLICK: dict[str, Any] = {
    "operator": {"open_id": "ou_alice"},
    "action": {"value": {"ref": "r1"}, "tag": "button", "name": "approve"},
    "context": {"open_message_id": "om_1", "open_chat_id": "oc_1"},
}
EVENT: dict[str, Any] = {
    "schema": "2.0",
    "header": {"event_id": "e1", "event_type": "card.action.trigger", "token": TOKEN, "app_id": "cli_1"},
    "event": CLICK,
}


def verify(
    envelope: object = EVENT,
    *,
    body: bytes | None = None,
    at: datetime = NOW,
    key: str = KEY,
    headers: dict[str, str] | None = None,
    verifier: Verifier | None = None,
) -> Envelope | Challenge:
    sealed = encrypted(envelope, key) if body is None else body  # type: ignore[arg-type]
    sent = signed(sealed, key, at.timestamp()) if headers is None else headers
    return (verifier or Verifier(TOKEN, KEY)).verify(CIMultiDict(sent), sealed, NOW)


def test_a_signed_and_encrypted_event_is_understood() -> None:
    envelope = verify()
    assert isinstance(envelope, Envelope)
    assert (envelope.key, envelope.type) == ("e1", "card.action.trigger")
    action = parse_event(envelope)
    assert isinstance(action, CardAction)
    assert action.operator.open_id == "ou_alice"
    assert action.action.value == {"ref": "r1"}


def test_the_secret_token_does_not_show_in_logs() -> None:
    assert TOKEN not in repr(verify())


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_of_difference_are_accepted(seconds: int) -> None:
    verify(at=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, 301, 86400])
def test_more_is_a_replay(seconds: int) -> None:
    with pytest.raises(Unauthorized):
        verify(at=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("missing", ["X-Lark-Request-Timestamp", "X-Lark-Request-Nonce", "X-Lark-Signature"])
def test_each_header_is_needed(missing: str) -> None:
    body = encrypted(EVENT, KEY)
    headers = signed(body, KEY, NOW.timestamp())
    del headers[missing]
    with pytest.raises(Unauthorized):
        verify(body=body, headers=headers)


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1e9", "١٢٣", "9" * 5000, "1.5"])
def test_a_timestamp_must_be_digits(timestamp: str) -> None:
    body = encrypted(EVENT, KEY)
    headers = signed(body, KEY, NOW.timestamp()) | {"X-Lark-Request-Timestamp": timestamp}
    with pytest.raises(Unauthorized):
        verify(body=body, headers=headers)


def test_a_signature_covers_the_raw_body() -> None:
    body = encrypted(EVENT, KEY)
    headers = signed(body, KEY, NOW.timestamp())
    with pytest.raises(Unauthorized):
        verify(body=body + b" ", headers=headers)


def test_a_signature_of_another_app_is_refused() -> None:
    with pytest.raises(Unauthorized):
        verify(key="other-key")


def test_an_odd_signature_is_refused() -> None:
    body = encrypted(EVENT, KEY)
    headers = signed(body, KEY, NOW.timestamp()) | {"X-Lark-Signature": "签名"}
    with pytest.raises(Unauthorized):
        verify(body=body, headers=headers)


def test_plaintext_is_refused_when_an_encrypt_key_is_set() -> None:
    with pytest.raises(BadRequest):  # even with a good signature
        verify(body=json.dumps(EVENT).encode())
    with pytest.raises(Unauthorized):
        verify(body=json.dumps(EVENT).encode(), headers={})


def test_an_unsigned_event_is_refused_even_if_it_decrypts() -> None:
    with pytest.raises(Unauthorized):
        verify(headers={})


def test_an_unsigned_sender_does_not_learn_whether_decryption_succeeded() -> None:
    for body in (encrypted(EVENT, KEY), encrypted(EVENT, "other-key"), b'{"encrypt":"AAAA"}', b"[]", b"{"):
        with pytest.raises(Unauthorized):
            verify(body=body, headers={})


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"encrypt":1}', b'{"encrypt":"%%%"}', b'{"encrypt":""}', b"[" * 100_000],
)
def test_a_signed_but_unreadable_body_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        verify(body=body)


@pytest.mark.parametrize(
    "envelope",
    [
        [],
        {},
        {"schema": "2.0"},
        {"schema": "2.0", "header": {"event_id": "", "event_type": "x"}, "event": {}},
        {"schema": "2.0", "header": {"event_id": "e", "event_type": "x"}, "event": "text"},
        {"uuid": "", "event": {"type": "approval_task"}},
        {"uuid": "u", "event": []},
        {"type": "url_verification"},
    ],
)
def test_a_signed_envelope_of_no_known_form_is_a_bad_request(envelope: object) -> None:
    with pytest.raises(BadRequest):
        verify(envelope)


def test_a_body_may_not_be_huge() -> None:
    with pytest.raises(BadRequest):
        verify(body=b" " * (MAX_BODY + 1))


@pytest.mark.parametrize("token", ["", "other", TOKEN + " "])
def test_the_verification_token_must_match_in_both_envelopes(token: str) -> None:
    for envelope in (
        EVENT | {"header": EVENT["header"] | {"token": token}},
        {"uuid": "u1", "token": token, "event": {"type": "approval_task"}},
        {"type": "url_verification", "token": token, "challenge": "c"},
    ):
        with pytest.raises(Unauthorized):
            verify(envelope)
        with pytest.raises(Unauthorized):
            verify(body=json.dumps(envelope).encode(), headers={}, verifier=Verifier(TOKEN))


def test_without_an_encrypt_key_the_token_is_the_proof() -> None:
    envelope = verify(body=json.dumps(EVENT).encode(), headers={}, verifier=Verifier(TOKEN))
    assert isinstance(envelope, Envelope)


def test_without_a_verification_token_the_signature_is_the_proof() -> None:
    assert isinstance(verify(verifier=Verifier("", KEY)), Envelope)


def test_an_app_without_any_secret_is_not_accepted() -> None:
    with pytest.raises(ValueError, match="token"):
        Verifier("")


@pytest.mark.parametrize("headers", [None, {}])
def test_a_challenge_is_answered_signed_or_not(headers: dict[str, str] | None) -> None:
    parsed = verify({"type": "url_verification", "token": TOKEN, "challenge": 'a"b\\c'}, headers=headers)
    assert isinstance(parsed, Challenge)
    assert parsed.answer() == {"challenge": 'a"b\\c'}
