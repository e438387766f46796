"""The grammar of typed commands, which is the same in every chat, the terminal and the demo.

A command starts with a verb of `bot.verbs` or one of its aliases. If the verb needs them, the number of a plan and an
item follow; the rest is any text. An item is a position, a key, or an unambiguous part of a name, quoted when it has
spaces. Punctuation and backticks around these words are ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from string import whitespace

from bot.verbs import ALIASES, ChatVerb, target_of
from core.commands import Verb
from core.text import normalize_typed
from core.verbs import Target

_VERBS = {word: verb for verb, aliases in ALIASES.items() for word in (verb.value, *aliases)}
_TOKEN = re.compile(r'"([^"]*)"|“([^”]*)”|「([^」]*)」|`([^`]*)`|(\S+)')
_CODE = re.compile(r"\A(`+)(.*?)\1", re.DOTALL)
"""A command, or its first words, in backticks."""
_BEFORE = ".,:;!、。，：；！…" + whitespace
_MARKS = ".,:;!?、。，：；！？…"
"""Punctuation that people type before a command, and after each of its words."""
_NUMBER = re.compile(r"([0-9]+)([^\x00-\x7f].*)", re.DOTALL)
"""The number of a plan with what follows it without a space, as in `同意 12，没问题`."""


@dataclass(frozen=True, slots=True)
class TypedCommand:
    """The parts of a typed command. `rest` is the text after them: a comment, a reason, a remark, a name or a filter.

    `verb` is None when the first word is not a command; `rest` is then this word, and `suggestion` the most similar
    command, if there is one. `missing` names the part that the verb needs but the text lacks: "plan", "item" or
    "delivery".
    """

    verb: Verb | ChatVerb | None
    plan: str = ""
    item: str = ""
    rest: str = ""
    suggestion: str = ""
    missing: str = ""


def parse(text: str) -> TypedCommand:
    """Return the parts of a command. Raises nothing: the result says what is wrong with the text."""
    word, rest = _split_word(_CODE.sub(r"\2 ", normalize_typed(text).lstrip(_BEFORE)))
    word = word.lstrip("/").lower()
    verb = _VERBS.get(word) if word else ChatVerb.HELP
    if verb is None:
        verb, rest = _split_joined(word, rest)
    if verb is None:
        return TypedCommand(None, rest=word, suggestion=_suggest(word))
    target = target_of(verb)
    if target is None:
        rest = rest if verb is ChatVerb.NEW else rest.rstrip(_MARKS)
        return TypedCommand(verb, rest=rest, missing="delivery" if verb is Verb.REPLAY and not rest else "")
    plan, rest = _split_word(rest)
    plan = plan.lstrip("#")
    if joined := _NUMBER.fullmatch(plan):
        plan, rest = joined[1], f"{joined[2].lstrip(_MARKS)} {rest}".strip()
    if not plan:
        return TypedCommand(verb, missing="plan")
    if target is Target.PLAN:
        return TypedCommand(verb, plan, rest=rest)
    item, rest = _split_word(rest)
    return TypedCommand(verb, plan, item, rest, missing="" if item else "item")


def _split_word(text: str) -> tuple[str, str]:
    """Return the first word of a text without punctuation, or the content of quotes or backticks, and the rest."""
    text = text.strip()
    match = _TOKEN.match(text)
    if match is None:
        return "", ""
    *quoted, word = match.groups()
    token = next((each for each in quoted if each is not None), "") if word is None else word.rstrip(_MARKS) or word
    return token, text[match.end() :].strip()


def _suggest(word: str) -> str:
    """Return the command that is most similar to a word, or "". One of two Chinese characters may differ."""
    if word.isascii():
        return next(iter(get_close_matches(word, _VERBS, 1, 0.6)), "")
    return next(iter(get_close_matches(word.rstrip("#0123456789"), _VERBS, 1, 0.5)), "")


def _split_joined(word: str, rest: str) -> tuple[Verb | ChatVerb | None, str]:
    """Split a Chinese verb from the number that follows without a space, as in `同意12`."""
    match = re.fullmatch(r"([^\x00-\x7f]+?)(#?[0-9].*)", word, re.DOTALL)
    if match and (verb := _VERBS.get(match[1])):
        return verb, f"{match[2]} {rest}"
    return None, rest
