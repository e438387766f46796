"""Messages: their English, and what is stored of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DeliveryError, Invalid, Problem
from core.messages import NO_MESSAGE, Message, Param

NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
SCALARS = st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
LOOKS_LIKE_OURS = st.builds(
    '{{"$message":{}'.format, st.text() | st.just('"x"}') | st.just('{"text":"x","params":{}}}')
)


def ours(params: st.SearchStrategy[Param]) -> st.SearchStrategy[Message]:
    return st.builds(Message.from_source, st.text(), st.dictionaries(NAMES, params, max_size=3))


MESSAGES = st.builds(Message.verbatim, st.text() | LOOKS_LIKE_OURS) | ours(st.recursive(SCALARS, ours, max_leaves=5))


@given(MESSAGES)
def test_a_message_is_stored_and_read(message: Message) -> None:
    assert Message.from_json(json.loads(json.dumps(message.to_json()))) == message
    assert Message.from_column(message.to_column()) == message


@given(st.text().filter(lambda text: not text.startswith('{"$message":')))
def test_plain_texts_of_earlier_versions_are_verbatim_and_stored_as_they_were(text: str) -> None:
    assert Message.from_column(text) == Message.from_json(text) == Message.verbatim(text)
    assert Message.verbatim(text).to_column() == Message.verbatim(text).to_json() == text


def test_a_message_reads_as_english_with_its_parameters() -> None:
    answered = Message("it answered {status}", {"status": 502})
    assert str(Message("{place}: {what}", {"place": "all/go", "what": answered})) == "all/go: it answered 502"


@pytest.mark.parametrize("text", ["exit {code}", "{", "}{", "{0.__class__}", "%s"])
def test_what_others_wrote_has_no_placeholders(text: str) -> None:
    assert str(Message.verbatim(text)) == text
    assert str(Message("it refused: {why}", {"why": Message.verbatim(text)})) == f"it refused: {text}"


def test_messages_that_read_alike_are_equal() -> None:
    assert Message("no: {why}", {"why": Message.verbatim("busy")}) == Message("no: {why}", {"why": "busy"})
    assert Message("timeout") != Message.verbatim("timeout"), "one of them is translated"


def test_a_message_without_a_text_is_false() -> None:
    assert not NO_MESSAGE
    assert not Message.verbatim("")
    assert Message("timeout")


def test_several_are_joined() -> None:
    joined = Message.joined("; ", [Message("exit code {code}", {"code": 2}), "{as it is}"])
    assert str(joined) == "exit code 2; {as it is}"
    assert str(Message.joined("; ", [])) == ""


def test_secrets_are_masked_in_what_fabu_did_not_write() -> None:
    message = Message("{place}: {what}", {"place": "hunter2", "what": Message("exit {code}", {"code": 2})})
    assert str(message.with_texts_changed(lambda text: text.replace("hunter2", "***"))) == "***: exit 2"
    failed = Message.verbatim("login with hunter2 failed").with_texts_changed(lambda text: text.replace("hunter2", "*"))
    assert failed == Message.verbatim("login with * failed")


def test_errors_become_messages_that_say_the_same() -> None:
    errors = (
        DeliveryError("Zadig", Message("its gateway answered {status}", {"status": 502}), retryable=True),
        Invalid(Problem("items[0].key", "the key {key} is used twice", {"key": "a"}), Problem("name", "write a text")),
    )
    for error in errors:
        assert str(error.as_message()) == str(error)
