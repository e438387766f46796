from __future__ import annotations

import pytest

from adapters.store.sql.sealing import Sealing
from core.errors import Unavailable

SECRETS = {"/params/0/value": "密码 s3cret"}


def test_a_seal_opens_with_its_key_for_its_item() -> None:
    sealed = Sealing(b"key").seal(SECRETS, "item")
    assert Sealing(b"key").unseal(sealed, "item") == SECRETS


def test_the_same_secrets_look_different_every_time() -> None:
    sealing = Sealing(b"key")
    assert sealing.seal(SECRETS, "item") != sealing.seal(SECRETS, "item")


@pytest.mark.parametrize("what", ["key", "item", "content", "length"])
def test_a_seal_opens_for_nothing_else(what: str) -> None:
    sealed = Sealing(b"key").seal(SECRETS, "item")
    altered = {"content": sealed[:-1] + bytes([sealed[-1] ^ 1]), "length": sealed[:20]}.get(what, sealed)
    opener = Sealing(b"other" if what == "key" else b"key")
    with pytest.raises(Unavailable):
        opener.unseal(altered, "other" if what == "item" else "item")
