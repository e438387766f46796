"""Encryption and signature of DingTalk's HTTP event subscription.

Wire format (DingTalk docs "Configure event subscription", sample open-dingtalk/DingTalk-Callback-Crypto):

- key: base64 of the 43-character `aes_key` plus "="; AES-256-CBC with the first 16 bytes of the key as IV;
- plaintext: 16 random bytes, the length of the message in bytes (4, big-endian), the message, the owner key;
- padding: PKCS#7 with a block of 32 bytes;
- signature: SHA-1, in hexadecimal, of token, timestamp, nonce and cipher text, sorted and joined.

The owner key is the AppKey of an app that subscribes in the console, the CorpId or suite key for older registrations.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

_KEY_CHARACTERS = 43
_BLOCK_BITS = 32 * 8
_NOISE = 16
_HEADER = _NOISE + 4


class CryptoError(ValueError):
    """The cipher text is damaged, was made with another key, or is meant for another owner."""


class EventCrypto:
    """Reads and writes the encrypted bodies of one event subscription."""

    def __init__(self, token: str, aes_key: str, owner: str) -> None:
        """Keep the three values of the subscription; raise ValueError if one is empty or the key is malformed."""
        if not (token and owner and len(aes_key) == _KEY_CHARACTERS):
            raise ValueError(
                f"DingTalk events need a token, an owner key and an AES key of {_KEY_CHARACTERS} characters"
            )
        self._token = token
        self._owner = owner.encode()
        key = base64.b64decode(aes_key + "=", validate=True)
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def sign(self, timestamp: str, nonce: str, encrypt: str) -> str:
        """Return the signature that belongs to these values, in lower-case hexadecimal."""
        joined = "".join(sorted([self._token, timestamp, nonce, encrypt]))
        return hashlib.sha1(joined.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()

    def encrypt(self, message: str) -> str:
        """Return the cipher text of a message, as base64."""
        data = message.encode()
        padder = PKCS7(_BLOCK_BITS).padder()
        plain = secrets.token_bytes(_NOISE) + len(data).to_bytes(4, "big") + data + self._owner
        encryptor = self._cipher.encryptor()
        sealed = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def decrypt(self, encrypt: str) -> str:
        """Return the message inside a cipher text; raise CryptoError if it is damaged or for another owner."""
        try:
            decryptor = self._cipher.decryptor()
            padded = decryptor.update(base64.b64decode(encrypt, validate=True)) + decryptor.finalize()
            unpadder = PKCS7(_BLOCK_BITS).unpadder()
            plain = unpadder.update(padded) + unpadder.finalize()
            end = _HEADER + int.from_bytes(plain[_NOISE:_HEADER], "big")
            message, owner = plain[_HEADER:end], plain[end:]
            if len(plain) < end or not hmac.compare_digest(owner, self._owner):
                raise CryptoError("the event is meant for another app")
            return message.decode()
        except (ValueError, binascii.Error) as error:
            raise CryptoError(str(error)) from error

    def seal(self, message: str, timestamp: str) -> dict[str, str]:
        """Return the signed and encrypted answer to an event; `timestamp` is in milliseconds since the epoch."""
        nonce, encrypt = secrets.token_hex(8), self.encrypt(message)
        signature = self.sign(timestamp, nonce, encrypt)
        return {"msg_signature": signature, "timeStamp": timestamp, "nonce": nonce, "encrypt": encrypt}
