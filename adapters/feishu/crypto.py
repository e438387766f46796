"""Decryption and signature of Feishu event pushes.

Feishu docs, "Encrypt Key": the body is `{"encrypt": base64(iv + AES-256-CBC(PKCS#7(event)))}` with the key
SHA-256(encrypt_key), and the signature is the plain SHA-256 of timestamp, nonce, encrypt_key and the raw body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

BLOCK = 16  # bytes


def decrypt(encrypt_key: str, encoded: str) -> bytes:
    """Return the plaintext of an `encrypt` field; ValueError if it is not one made with this key."""
    data = base64.b64decode(encoded, validate=True)
    key = hashlib.sha256(encrypt_key.encode()).digest()
    decryptor = Cipher(algorithms.AES256(key), modes.CBC(data[:BLOCK])).decryptor()
    padded = decryptor.update(data[BLOCK:]) + decryptor.finalize()
    unpadder = PKCS7(BLOCK * 8).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def signature(timestamp: str, nonce: str, encrypt_key: str, body: bytes) -> str:
    """Return the value of `X-Lark-Signature` for a raw (still encrypted) body."""
    return hashlib.sha256((timestamp + nonce + encrypt_key).encode() + body).hexdigest()


def equal(expected: str, given: str) -> bool:
    """Compare two secrets in constant time; any text is allowed, also non-ASCII."""
    return hmac.compare_digest(expected.encode(), given.encode(errors="surrogatepass"))
