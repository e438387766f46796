from __future__ import annotations

from bot.chat.answered import REMEMBERED, AnsweredMessages


def test_a_message_is_new_once() -> None:
    answered = AnsweredMessages()
    assert [answered.add("m1"), answered.add("m1"), answered.add("m2")] == [True, False, True]


def test_a_message_that_failed_is_new_again() -> None:
    answered = AnsweredMessages()
    answered.add("m1")
    answered.forget("m1")
    assert answered.add("m1")


def test_the_oldest_messages_are_forgotten() -> None:
    answered = AnsweredMessages()
    for number in range(REMEMBERED + 1):
        answered.add(str(number))
    assert [answered.add("1"), answered.add("0")] == [False, True]
