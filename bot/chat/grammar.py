"""The grammar of typed commands, which is the same in every chat, the terminal and the demo.

A command starts with a verb of `bot.verbs` or one of its aliases. If the verb needs them, the number of a plan and an
item follow; the rest is any text. An item is a position, a key, or an unambiguous part of a name, quoted when it has
spaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from bot.verbs import ALIASES, ChatVerb, target_of
from core.commands import Verb
from core.text import remove_invisible
from core.verbs import Target

_VERBS = {word: verb for verb, aliases in ALIASES.items() for word in (verb.value, *aliases)}
_TOKEN = re.compile(r'"([^"]*)"|“([^”]*)”|「([^」]*)」|(\S+)')


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
    word, rest = _split_word(remove_invisible(text).replace("\u3000", " "))
    word = word.lstrip("/").lower()
    verb = _VERBS.get(word) if word else ChatVerb.HELP
    if verb is None:
        verb, rest = _split_joined(word, rest)
    if verb is None:
        return TypedCommand(None, rest=word, suggestion=_suggest(word))
    target = target_of(verb)
    if target is None:
        return TypedCommand(verb, rest=rest, missing="delivery" if verb is Verb.REPLAY and not rest else "")
    plan, rest = _split_word(rest)
    plan = plan.lstrip("#＃")
    if not plan:
        return TypedCommand(verb, missing="plan")
    if target is Target.PLAN:
        return TypedCommand(verb, plan, rest=rest)
    item, rest = _split_word(rest)
    return TypedCommand(verb, plan, item, rest, missing="" if item else "item")


def _split_word(text: str) -> tuple[str, str]:
    """Return the first word of a text, or the content of quotes that it starts with, and the rest."""
    text = text.strip()
    match = _TOKEN.match(text)
    if match is None:
        return "", ""
    return next((group for group in match.groups() if group is not None), ""), text[match.end() :].strip()


def _suggest(word: str) -> str:
    """Return the command that is most similar to a word, or "". One of two Chinese characters may differ."""
    if word.isascii():
        return next(iter(get_close_matches(word, _VERBS, 1, 0.6)), "")
    return next(iter(get_close_matches(word.rstrip("#＃0123456789"), _VERBS, 1, 0.5)), "")


def _split_joined(word: str, rest: str) -> tuple[Verb | ChatVerb | None, str]:
    """Split a Chinese verb from the number that follows without a space, as in `批准12`."""
    match = re.fullmatch(r"([^\x00-\x7f]+)([#＃]?\d+)", word)
    if match and (verb := _VERBS.get(match[1])):
        return verb, f"{match[2]} {rest}"
    return None, rest
