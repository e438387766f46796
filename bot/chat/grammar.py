"""The one grammar of typed commands, for every chat, the terminal and the demonstration.

    list [mine|status]   show N   new [NAME]   submit N   approve N [comment]   reject N reason   delegate N PERSON
    execute N ITEM [remark]   skip N ITEM reason   retry N ITEM   replan N   cancel N   recheck N   log N   web   help
    deliveries [N]   replay ID|N|START [/ END]

ITEM is a position, a key, or an unambiguous part of a name (in quotes when it has spaces). Chinese words work as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from bot.verbs import ALIASES
from core.text import remove_invisible

WORDS = {word: verb for verb, aliases in ALIASES.items() for word in (verb, *aliases)}
ITEM_VERBS = frozenset({"execute", "skip", "retry"})
PLAN_VERBS = (
    frozenset({"show", "submit", "approve", "reject", "delegate", "replan", "cancel", "recheck", "log"}) | ITEM_VERBS
)

_TOKEN = re.compile(r'"([^"]*)"|“([^”]*)”|「([^」]*)」|(\S+)')


@dataclass(frozen=True, slots=True)
class Typed:
    """A typed command, taken apart. `rest` is what follows: comment, reason, remark, name, or what to list.

    `verb` is empty when the first word is no command; `meant` is then the command that is most like it, if any.
    `missing` names what the command lacks: "plan", "item" or "delivery".
    """

    verb: str
    plan: str = ""
    item: str = ""
    rest: str = ""
    meant: str = ""
    missing: str = ""


def parse(text: str) -> Typed:
    """Read a command. Never raises: what cannot be read is told in the result."""
    word, rest = _next(remove_invisible(text).replace("\u3000", " "))
    word = word.lstrip("/").lower()
    verb = WORDS.get(word or "help", "")
    if not verb:
        verb, rest = _glued(word, rest)
    if not verb:
        return Typed("", rest=word, meant=_meant(word))
    if verb not in PLAN_VERBS:
        return Typed(verb, rest=rest, missing="delivery" if verb == "replay" and not rest else "")
    plan, rest = _next(rest)
    plan = plan.lstrip("#＃")
    if not plan:
        return Typed(verb, missing="plan")
    if verb not in ITEM_VERBS:
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
        return next(iter(get_close_matches(word, WORDS, 1, 0.6)), "")
    return next(iter(get_close_matches(word.rstrip("#＃0123456789"), WORDS, 1, 0.5)), "")


def _glued(word: str, rest: str) -> tuple[str, str]:
    """Read Chinese commands that are written without a space, as in `批准12`."""
    match = re.fullmatch(r"([^\x00-\x7f]+)([#＃]?\d+)", word)
    if match and (verb := WORDS.get(match[1])):
        return verb, f"{match[2]} {rest}"
    return "", rest
