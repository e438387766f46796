from __future__ import annotations

import logging

import pytest

from adapters.common.connecting import Reachability
from core.errors import DeliveryError
from core.messages import Message

AWAY = DeliveryError("Shop", Message("no answer in time"), retryable=True)
REFUSAL = DeliveryError("Shop", Message("no such channel"), retryable=False)
LOST = "WARNING Shop cannot be reached: no answer in time; check shop.url"
RESTORED = "INFO Shop can be reached again"


@pytest.fixture
def shop() -> Reachability:
    return Reachability("Shop", "check shop.url", logging.getLogger("shop"))


@pytest.fixture(autouse=True)
def level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "shop")


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


def call(shop: Reachability, error: DeliveryError | None = None) -> None:
    with shop.track(lambda error: error.retryable):
        if error:
            raise error


def test_a_system_that_is_lost_and_comes_back_is_logged_once_each(
    shop: Reachability, caplog: pytest.LogCaptureFixture
) -> None:
    call(shop)
    assert logged(caplog) == []
    for _ in range(3):
        with pytest.raises(DeliveryError):
            call(shop, AWAY)
    assert logged(caplog) == [LOST]
    call(shop)
    call(shop)
    assert logged(caplog) == [LOST, RESTORED]
    with pytest.raises(DeliveryError):
        call(shop, AWAY)
    assert logged(caplog) == [LOST, RESTORED, LOST]


def test_a_refusal_is_an_answer(shop: Reachability, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DeliveryError):
        call(shop, REFUSAL)
    assert logged(caplog) == []
    shop.mark_lost("no answer in time")
    with pytest.raises(DeliveryError):
        call(shop, REFUSAL)
    assert logged(caplog) == [LOST, RESTORED]


def test_what_says_nothing_about_the_system_is_passed_on(shop: Reachability, caplog: pytest.LogCaptureFixture) -> None:
    shop.mark_lost("no answer in time")
    with pytest.raises(KeyError), shop.track(lambda error: error.retryable):
        raise KeyError
    assert logged(caplog) == [LOST]
