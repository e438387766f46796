"""The check-up of Zadig."""

from __future__ import annotations

from pydantic import SecretStr

from adapters.zadig.doctor import examine
from adapters.zadig.settings import ZadigSettings
from tests.adapters import wrong
from tests.simulators.zadig import Zadig


async def test_zadig() -> None:
    async with Zadig() as zadig:
        good = ZadigSettings(url=zadig.url, token=SecretStr("zadig-api-token"))
        assert wrong(await examine(good)) == []
        bad = ZadigSettings(url=zadig.url, token=SecretStr("another"))
        assert wrong(await examine(bad)) == [
            "Zadig did not accept the request: it does not accept the token; check zadig.token"
        ]
    [found] = wrong(await examine(good))
    assert "it cannot be reached" in found
