"""What is found in a source file to be translated, and what is refused since no catalogue could have it."""

from __future__ import annotations

import io

import pytest
from babel.messages.extract import extract
from babel.messages.frontend import parse_keywords

from bot.i18n.extract import NotLiteralError

KEYWORDS = parse_keywords(["text", "Message", "Problem:2"])


def found(source: str) -> list[str]:
    file = io.BytesIO(source.encode())
    file.name = "adapters/shop/client.py"
    method = "bot.i18n.extract:extract"
    return [str(text) for _, text, *_ in extract(method, file, KEYWORDS, options={"keywords": KEYWORDS})]


def test_texts_of_types_and_functions_and_errors_are_found() -> None:
    assert found('Message("a {b}", {"b": 1})') == ["a {b}"]
    assert found('Problem(f"items[{index}]", "write a text")') == ["write a text"]
    assert found('text("Open")\nlocale.text(label(verb))') == ["Open"]
    assert found('class Gone(FabuError):\n    message = "It is over."') == ["It is over."]
    assert found('Message.verbatim(answer)\nMessage.from_source(error.message, {})\nreplace(message, text="x")') == []


@pytest.mark.parametrize(
    "call",
    [
        'Message(f"it answered {status}")',
        'Message("it answered " + status)',
        "Message(text)",
        'Message(text="it is busy")',
        'Message("")',
        "Message()",
        'Problem("name", message)',
        'Problem("name")',
    ],
)
def test_a_text_that_is_no_literal_is_refused_with_file_and_line(call: str) -> None:
    with pytest.raises(NotLiteralError, match=r"^adapters/shop/client\.py:2: the text of (Message|Problem) is not"):
        found(f"import this\n{call}")
