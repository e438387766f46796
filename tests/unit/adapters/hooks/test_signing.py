from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from adapters.hooks.settings import SecretError, decode_secret
from adapters.hooks.signing import Flaw, SignatureError, sign, verify

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OTHER = "whsec_" + base64.b64encode(b"another key of 24 bytes!").decode()
BODY = '{"event":"finish_planning","name":"发布 1"}'.encode()
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def flaw_of(headers: dict[str, str], *, body: bytes = BODY, now: datetime = NOW) -> Flaw:
    with pytest.raises(SignatureError) as caught:
        verify(body, headers, [SECRET], now)
    assert caught.value.http_status == 401
    return caught.value.flaw


def test_signature_is_the_published_example_of_the_specification() -> None:
    # The example of the reference implementation's own tests (test_webhooks.py, test_sign_function).
    headers = sign(
        b'{"test": 2432232314}',
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_independent_library_accepts_what_we_sign() -> None:
    headers = sign(BODY, "effect-1", datetime.now(UTC), [SECRET])
    Webhook(SECRET).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY + b" ", headers)


def test_we_accept_what_the_independent_library_signs() -> None:
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", NOW, BODY.decode()),
    }
    assert verify(BODY, headers, [SECRET], NOW) == "msg_1"


def test_during_a_rotation_old_and_new_receivers_accept_the_message() -> None:
    headers = sign(BODY, "effect-1", datetime.now(UTC), [OTHER, SECRET])
    Webhook(OTHER).verify(BODY, headers)
    Webhook(SECRET).verify(BODY, headers)


def test_during_a_rotation_we_accept_the_old_and_the_new_secret() -> None:
    for secret in (OTHER, SECRET):
        assert verify(BODY, sign(BODY, "m", NOW, [secret]), [OTHER, SECRET], NOW) == "m"


@given(body=st.binary(max_size=200), message_id=st.uuids().map(str))
def test_any_body_verifies_and_no_changed_body_does(body: bytes, message_id: str) -> None:
    headers = sign(body, message_id, NOW, [SECRET])
    assert verify(body, headers, [SECRET], NOW) == message_id
    assert flaw_of(headers, body=body + b"!") is Flaw.NO_MATCH


def test_names_of_headers_are_read_in_any_case() -> None:
    headers = {name.title(): value for name, value in sign(BODY, "m", NOW, [SECRET]).items()}
    assert verify(BODY, headers, [SECRET], NOW) == "m"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_is_needed(name: str) -> None:
    headers = sign(BODY, "m", NOW, [SECRET])
    assert flaw_of(headers | {name: ""}) is Flaw.MISSING_HEADER
    del headers[name]
    assert flaw_of(headers) is Flaw.MISSING_HEADER


@pytest.mark.parametrize("junk", ["hello", "1e9", "-5", " 1614265330", "1614265330.0", "９", "9" * 40, "٣"])
def test_a_timestamp_that_is_no_number_is_refused_not_raised_through(junk: str) -> None:
    assert flaw_of(sign(BODY, "m", NOW, [SECRET]) | {"webhook-timestamp": junk}) is Flaw.BAD_TIMESTAMP


def test_a_message_lives_five_minutes_in_both_directions() -> None:
    headers = sign(BODY, "m", NOW, [SECRET])
    for edge in (timedelta(minutes=5), -timedelta(minutes=5)):
        assert verify(BODY, headers, [SECRET], NOW + edge) == "m"
    assert flaw_of(headers, now=NOW + timedelta(seconds=301)) is Flaw.TOO_OLD
    assert flaw_of(headers, now=NOW - timedelta(seconds=301)) is Flaw.TOO_NEW


def test_id_and_timestamp_are_part_of_what_is_signed() -> None:
    headers = sign(BODY, "m", NOW, [SECRET])
    for other in ("other", "\udcff"):
        assert flaw_of(headers | {"webhook-id": other}) is Flaw.NO_MATCH
    assert flaw_of(headers | {"webhook-timestamp": str(int(NOW.timestamp()) + 1)}) is Flaw.NO_MATCH


@pytest.mark.parametrize("junk", ["v1,", "v1,not base64!", "v1", "nonsense", "v1a,AAAA", ",", "v1,签名", "v1,\udcff"])
def test_a_signature_that_is_junk_is_refused_not_raised_through(junk: str) -> None:
    headers = sign(BODY, "m", NOW, [SECRET])
    assert flaw_of(headers | {"webhook-signature": junk}) is Flaw.NO_MATCH
    mixed = headers | {"webhook-signature": f"{junk} {headers['webhook-signature']}"}
    assert verify(BODY, mixed, [SECRET], NOW) == "m"


def test_secrets_with_and_without_prefix_and_padding_are_one() -> None:
    bare = base64.b64encode(KEY).decode()
    assert {decode_secret(text) for text in (bare, bare.rstrip("="), SECRET, SECRET.rstrip("="))} == {KEY}


@pytest.mark.parametrize("secret", ["", "whsec_", "====", "not base64!", "密钥", "whsec_a"])
def test_an_unusable_secret_is_refused_without_being_told(secret: str) -> None:
    with pytest.raises(SecretError) as caught:
        decode_secret(secret)
    assert len(secret) < 7 or secret not in str(caught.value)


def test_signing_with_no_secret_is_refused() -> None:
    with pytest.raises(SecretError):
        sign(BODY, "m", NOW, [])
