"""The Chinese catalogue: complete for what chats show, true to the placeholders, compiled."""

from __future__ import annotations

import string
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from bot.cards.lists import USAGE
from bot.cards.words import SENTENCES
from bot.i18n.labels import _LABELS
from core import errors

FOLDER = Path(errors.__file__).parents[1] / "bot" / "i18n" / "zh_CN" / "LC_MESSAGES"


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    return read_po(BytesIO((FOLDER / "fabu.po").read_bytes()))


def families(kind: type[errors.FabuError]) -> Iterator[type[errors.FabuError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from families(each)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_what_chats_show_is_translated(catalogue: Catalog) -> None:
    own = [kind.message for kind in families(errors.FabuError) if kind.__module__ == "core.errors"]
    texts = {*_LABELS.values(), *SENTENCES.values(), *USAGE.values(), *own}
    found = {str(message.id): message.string for message in catalogue}
    assert {text for text in texts if not found.get(text)} == set()


def test_placeholders_are_kept(catalogue: Catalog) -> None:
    pairs = [(str(message.id), str(message.string)) for message in catalogue if message.id]
    assert len(pairs) > 200
    assert [pair for pair in pairs if not pair[1] or fields(pair[0]) != fields(pair[1])] == []


def test_the_compiled_catalogue_is_that_of_the_source(catalogue: Catalog) -> None:
    compiled = read_mo(BytesIO((FOLDER / "fabu.mo").read_bytes()))
    assert {m.id: m.string for m in compiled if m.id} == {m.id: m.string for m in catalogue if m.id}
