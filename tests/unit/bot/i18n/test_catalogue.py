"""The Chinese catalogue: nothing missing, nothing obsolete, true to the placeholders, compiled.

What only operators see in the terminal (`fabu doctor`, `--help`, the messages of the command line) stays English.
"""

from __future__ import annotations

import re
import string
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

import bot.i18n
from bot.cards.sentences import SENTENCES
from bot.i18n.labels import label
from core.commands import Verb
from core.plan import Channel, Decision
from core.status import HookEvent, ItemStatus, PlanStatus, RunStatus
from tests.unit.bot.i18n.families import error_classes

ROOT = Path(bot.i18n.__file__).parents[2]
FOLDER = ROOT / "bot/i18n/zh_CN/LC_MESSAGES"
ENDS = {".": "。", "?": "？", ":": "："}
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff] ?[,.;:!?()]|[,.;:!?()] ?[\u4e00-\u9fff]")
"""ASCII punctuation beside Chinese."""


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def texts(catalogue: Catalog) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in catalogue if message.id}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The texts of the sources, extracted afresh as `make messages` does it."""
    found = tmp_path_factory.mktemp("i18n") / "fabu.pot"
    babel = [sys.executable, "-m", "babel.messages.frontend", "--quiet"]
    subprocess.run(
        [*babel, "extract", "--mapping-file", "pyproject.toml", "--output", found, "."], cwd=ROOT, check=True
    )
    return set(texts(read(found)))


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    return read(FOLDER / "fabu.po")


@pytest.fixture(scope="module")
def pairs(catalogue: Catalog) -> dict[str, str]:
    return texts(catalogue)


def fields(text: str) -> list[tuple[str, str, str]]:
    parsed = string.Formatter().parse(text)
    return sorted((name, spec or "", conversion or "") for _, name, spec, conversion in parsed if name is not None)


def test_the_catalogue_has_the_texts_of_the_sources_and_no_others(sources: set[str], pairs: dict[str, str]) -> None:
    assert sorted(sources - pairs.keys()) == []
    assert sorted(pairs.keys() - sources) == []


def test_errors_statuses_verbs_and_the_log_are_among_the_texts(pairs: dict[str, str]) -> None:
    kinds = (PlanStatus, ItemStatus, RunStatus, HookEvent, Verb, Channel, Decision)
    names = [label(value) for kind in kinds for value in kind]
    messages = [kind.message for kind in error_classes()]
    assert len(messages) > 30
    assert [text for text in (*names, *messages, *SENTENCES.values()) if text not in pairs] == []


def test_every_text_is_translated(catalogue: Catalog, pairs: dict[str, str]) -> None:
    assert [source for source, translation in pairs.items() if not translation.strip()] == []
    assert [message.id for message in catalogue if message.fuzzy and message.id] == []
    assert list(catalogue.obsolete) == []


def test_placeholders_are_kept(pairs: dict[str, str]) -> None:
    assert [pair for pair in pairs.items() if fields(pair[0]) != fields(pair[1])] == []


def test_the_compiled_catalogue_is_that_of_the_source(pairs: dict[str, str]) -> None:
    with (FOLDER / "fabu.mo").open("rb") as file:
        assert texts(read_mo(file)) == pairs


def test_chinese_sentences_have_chinese_punctuation(pairs: dict[str, str]) -> None:
    plain = {source: re.sub(r"`[^`]*`|\{\w+\}", "字", translation) for source, translation in pairs.items()}
    assert [text for text in plain.values() if HALF_WIDTH.search(text)] == []
    ends = {source: text[-1] for source, text in plain.items() if source[-1] in ENDS}
    assert [source for source, end in ends.items() if end not in ENDS.values()] == []
