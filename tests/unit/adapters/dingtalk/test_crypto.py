from __future__ import annotations

import base64
from urllib.parse import unquote

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from adapters.dingtalk.crypto import CryptoError, EventCrypto
from tests.simulators.dingtalk_platform import EventSeal

TOKEN = "mryue"
AES_KEY = "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7"
OWNER = "ding6ccabc44d2c8d38b"
# From open-dingtalk/DingTalk-Callback-Crypto, DingCallbackCrypto3.py
ENCRYPT = (
    "0vJiX6vliEpwG3U45CtXqi+m8PXbQRARJ8p8BbDuD1EMTDf0jKpQ79QS93qEk7XHpP6u+oTTrd15NRPvNvmBKyDCYxxOK+HZ"
    "eKju4yhELOFchzNukR+t8SB/qk4ROMu3"
)


BY_OTHERS = [
    (
        "success",
        "8a8cd745b1471f9a2dc2b0fe18698b970f3f10a4",
        "/IOlf1gyqLfYdsrbPSY0PGjPmayoi3tqQIWTn7opvluSbLbT67WyI+R15XEGUuRP3JlI3LEvz5tdxGOn+F1kHg==",
    ),
    (
        '{"EventType":"bpms_instance_change","title":"发布计划 #1 支付服务😀","remark":"没有回滚方案"}',
        "ebe597a71a51c8fb9407e6d06ad5e62c089db451",
        (
            "buOWCfv7OsHOOV7SbQYBAyaTyjFpuXxWkv0p/scp8V7V2cnR1HwNyZW3R4yxtSMDZGP2XF7i4CkjilabpcVS1y0/nC5iEB5ob1nu"
            "nKo0Mt/RxDPG3R6zINf4I2ZWss+CKQMRuG2tS8HgrgyZTqrBW/lOxCn1zHW4v3eRkVyzneM7UG8GuIfPU5m1KPlpNM9VpP6+0hrq"
            "nBUYqqOiAb1n7VrYc6TrEU/rh33iwKWAUVQ4o6TWnOASwM7SQc9ymqA0L6U55Ux/jxMVgiiaJe0ApNpgS5nwuq+qRx2HZ19Fg9x9"
            "fuqeJyx+q4NrXLfxfjMLKWZV2BDVjrCiP6V8XqnWD8BsqN4wbetcBS/9vSVnrKczvq9a8G0bWNs/d8rBLBGU"
        ),
    ),
]
"""What npm's dingtalk-encrypt 1.2.3 seals at 1608001896814 with WL4PK6yA: it writes what is no ASCII as in URLs."""


@pytest.fixture(scope="module")
def crypto() -> EventCrypto:
    return EventCrypto(TOKEN, AES_KEY, OWNER)


def test_official_vector(crypto: EventCrypto) -> None:
    assert crypto.sign("1608001896814", "WL4PK6yA", ENCRYPT) == "03044561471240d4a14bb09372dfcfd4fd0e40cb"
    assert crypto.decrypt(ENCRYPT) == '{"EventType":"check_url"}'


@pytest.mark.parametrize(("text", "signature", "encrypt"), BY_OTHERS)
def test_what_an_independent_library_seals_is_read(
    crypto: EventCrypto, text: str, signature: str, encrypt: str
) -> None:
    assert crypto.sign("1608001896814", "WL4PK6yA", encrypt) == signature
    assert unquote(crypto.decrypt(encrypt)) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_the_platform_seals_is_read_and_the_other_way_round(text: str) -> None:
    crypto, platform = EventCrypto(TOKEN, AES_KEY, OWNER), EventSeal(TOKEN, AES_KEY, OWNER)
    assert crypto.decrypt(platform.seal(text)) == text
    assert platform.open(crypto.seal(text, "1608001896814")) == text


@given(st.text() | st.binary(max_size=200).map(lambda data: base64.b64encode(data).decode()))
def test_damage_is_one_kind_of_error(damaged: str) -> None:
    with pytest.raises(CryptoError):
        EventCrypto(TOKEN, AES_KEY, OWNER).decrypt(damaged)


@pytest.mark.parametrize("length", [len(OWNER) + 1, 2**32 - 1])
def test_a_length_beyond_the_message_is_damage(crypto: EventCrypto, length: int) -> None:
    key = base64.b64decode(AES_KEY + "=")
    plain = bytes(16) + length.to_bytes(4, "big") + OWNER.encode()
    plain += bytes([32 - len(plain) % 32]) * (32 - len(plain) % 32)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    with pytest.raises(CryptoError):
        crypto.decrypt(base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode())


def test_an_event_for_another_app_is_refused() -> None:
    with pytest.raises(CryptoError, match="another app"):
        EventCrypto(TOKEN, AES_KEY, "ding_other").decrypt(ENCRYPT)


@pytest.mark.parametrize(
    ("token", "key", "owner"), [("", AES_KEY, OWNER), (TOKEN, AES_KEY[1:], OWNER), (TOKEN, AES_KEY, "")]
)
def test_incomplete_settings_are_refused(token: str, key: str, owner: str) -> None:
    with pytest.raises(ValueError, match="43 characters"):
        EventCrypto(token, key, owner)
