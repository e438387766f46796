from __future__ import annotations

import asyncio

import pytest

from adapters.common.answering import Answering, render_whole
from core.card import Card
from core.chat import Reply
from core.errors import DeliveryError, Unavailable
from core.messages import Message
from tests.waiting import PATIENCE


class Handler:
    """Answers "done" once it may, or raises; remembers what followed."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.error: Exception | None = None
        self.followed: list[str] = []

    async def __call__(self) -> str:
        await self.free.wait()
        if self.error:
            raise self.error
        return "done"

    async def follow_up(self, result: str) -> None:
        self.followed.append(result)


@pytest.fixture
def answering() -> Answering:
    return Answering("Shop", within=0.02)


@pytest.fixture
def handler() -> Handler:
    return Handler()


async def test_a_quick_answer_is_returned_and_followed_by_nothing(answering: Answering, handler: Handler) -> None:
    handler.free.set()
    assert await answering.answer(handler(), handler.follow_up) == "done"
    await answering.finish()
    assert handler.followed == []


async def test_a_slow_answer_follows(answering: Answering, handler: Handler) -> None:
    assert await answering.answer(handler(), handler.follow_up) is None
    assert handler.followed == []
    handler.free.set()
    await answering.finish()
    assert handler.followed == ["done"]


async def test_an_error_in_time_is_raised(answering: Answering, handler: Handler) -> None:
    handler.error = RuntimeError("broken")
    handler.free.set()
    with pytest.raises(RuntimeError, match="broken"):
        await answering.answer(handler(), handler.follow_up)


@pytest.mark.parametrize(
    ("error", "level", "logged"),
    [
        (
            DeliveryError("Shop", Message("no"), retryable=False),
            "WARNING",
            "an answer did not reach its Shop user: Shop",
        ),
        (Unavailable(), "WARNING", "a request of a Shop user was not carried out: Fabu cannot save this"),
        (RuntimeError("broken"), "ERROR", "a request of a Shop user has failed"),
    ],
)
async def test_an_error_that_comes_too_late_is_logged(
    answering: Answering,
    handler: Handler,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    level: str,
    logged: str,
) -> None:
    handler.error = error
    assert await answering.answer(handler(), handler.follow_up) is None
    handler.free.set()
    await answering.finish()
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()[: len(logged)]) == (level, logged)
    assert bool(record.exc_info) == (level == "ERROR")
    assert handler.followed == []


async def test_what_begins_while_the_rest_is_finished_is_finished_as_well(
    answering: Answering, handler: Handler
) -> None:
    async def again() -> None:
        await handler.free.wait()
        answering.start(handler.follow_up("begun later"))

    answering.start(again())
    asyncio.get_running_loop().call_later(0.01, handler.free.set)
    await answering.finish()
    assert handler.followed == ["begun later"]


async def test_what_is_not_finished_in_time_is_given_up(answering: Answering, caplog: pytest.LogCaptureFixture) -> None:
    cancelled = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    await answering.run(hang())
    assert not cancelled.is_set()
    await answering.finish(grace=0.01)
    await asyncio.wait_for(cancelled.wait(), PATIENCE)
    assert "1 requests of Shop users took more than" in caplog.text


def render(reply: Reply) -> str:
    if reply.card:
        raise ZeroDivisionError
    return reply.text


def test_a_reply_loses_a_card_that_cannot_be_rendered_but_not_its_text(caplog: pytest.LogCaptureFixture) -> None:
    assert render_whole(render, Reply("Approved.", card=Card("a", "b"))) == "Approved."
    assert caplog.messages == ["a reply is sent without its card, which cannot be rendered"]
    with pytest.raises(ZeroDivisionError):
        render_whole(render, Reply(card=Card("a", "b")))
