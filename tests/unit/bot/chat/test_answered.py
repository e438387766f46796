from __future__ import annotations

from adapters.common.system import SystemClock
from adapters.store.memory import MemoryStore
from bot.chat.answered import REMEMBERED, AnsweredMessages
from tests.clock import ManualClock
from tests.worlds import START


def replicas(count: int = 1) -> list[AnsweredMessages]:
    """Return what replicas on one store know."""
    store = MemoryStore(SystemClock())
    return [AnsweredMessages(store, ManualClock(START)) for _ in range(count)]


async def test_a_message_is_new_once() -> None:
    (answered,) = replicas()
    assert [await answered.add(key) for key in ("m1", "m1", "m2")] == [True, False, True]


async def test_a_message_is_new_once_in_all_replicas() -> None:
    one, two = replicas(2)
    assert [await one.add("m1"), await two.add("m1"), await two.add("m2"), await one.add("m2")] == [
        True,
        False,
        True,
        False,
    ]


async def test_a_message_that_failed_is_new_again() -> None:
    one, two = replicas(2)
    await one.add("m1")
    await one.forget("m1")
    assert await two.add("m1")


async def test_a_message_that_this_process_has_forgotten_is_known_to_the_store() -> None:
    (answered,) = replicas()
    for number in range(REMEMBERED + 1):
        await answered.add(str(number))
    assert [await answered.add("1"), await answered.add("0")] == [False, False]
