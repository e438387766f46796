"""The one grammar of typed commands, for every chat, the terminal and the demonstration.

A command is a verb of `bot.verbs`, or an alias of it; then the number of the plan and the item, if the verb is about
one; then any text. The item is a position, a key, or an unambiguous part of a name (in quotes when it has spaces).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from bot.verbs import ALIASES, ChatVerb, target_of
from core.commands import Verb
from core.text import remove_invisible
from core.verbs import Target

_WORDS = {word: verb for verb, aliases in ALIASES.items() for word in (verb.value, *aliases)}
_TOKEN = re.compile(r'"([^"]*)"|“([^”]*)”|「([^」]*)」|(\S+)')


@dataclass(frozen=True, slots=True)
class Typed:
    """A typed command, taken apart. `rest` is what follows: comment, reason, remark, name, or what to list.

    `verb` is None when the first word is no command; `meant` is then the command that is most like it, if any.
    `missing` names what the command lacks: "plan", "item" or "delivery".
    """

    verb: Verb | ChatVerb | None
    plan: str = ""
    item: str = ""
    rest: str = ""
    meant: str = ""
    missing: str = ""


def parse(text: str) -> Typed:
    """Read a command. Never raises: what cannot be read is told in the result."""
    word, rest = _next(remove_invisible(text).replace("\u3000", " "))
    word = word.lstrip("/").lower()
    verb = _WORDS.get(word) if word else ChatVerb.HELP
    if verb is None:
        verb, rest = _glued(word, rest)
    if verb is None:
        return Typed(None, rest=word, meant=_meant(word))
    target = target_of(verb)
    if target is None:
        return Typed(verb, rest=rest, missing="delivery" if verb is Verb.REPLAY and not rest else "")
    plan, rest = _next(rest)
    plan = plan.lstrip("#＃")
    if not plan:
        return Typed(verb, missing="plan")
    if target is Target.PLAN:
        return Typed(verb, plan, rest=rest)
    item, rest = _next(rest)
    return Typed(verb, plan, item, rest, missing="" if item else "item")


def _next(text: str) -> tuple[str, str]:
    """Split off the first word, or what stands in quotes."""
    text = text.strip()
    match = _TOKEN.match(text)
    if match is None:
        return "", ""
    return next((group for group in match.groups() if group is not None), ""), text[match.end() :].strip()


def _meant(word: str) -> str:
    """Return the command that is most like a word; of two Chinese characters one may be wrong."""
    if word.isascii():
        return next(iter(get_close_matches(word, _WORDS, 1, 0.6)), "")
    return next(iter(get_close_matches(word.rstrip("#＃0123456789"), _WORDS, 1, 0.5)), "")


def _glued(word: str, rest: str) -> tuple[Verb | ChatVerb | None, str]:
    """Read Chinese commands that are written without a space, as in `批准12`."""
    match = re.fullmatch(r"([^\x00-\x7f]+)([#＃]?\d+)", word)
    if match and (verb := _WORDS.get(match[1])):
        return verb, f"{match[2]} {rest}"
    return None, rest
