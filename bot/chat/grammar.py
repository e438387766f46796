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

ALIASES: dict[str, tuple[str, ...]] = {
    "list": ("列表", "清单", "ls"),
    "show": ("查看", "详情"),
    "new": ("新建", "创建"),
    "submit": ("提交", "提审"),
    "approve": ("批准", "同意", "通过"),
    "reject": ("驳回", "拒绝"),
    "delegate": ("转交", "委托"),
    "execute": ("执行", "完成", "done", "run"),
    "skip": ("跳过",),
    "retry": ("重试",),
    "replan": ("重新规划", "撤回"),
    "cancel": ("取消",),
    "recheck": ("重新检测",),
    "log": ("操作记录", "记录", "日志"),
    "deliveries": ("投递",),
    "replay": ("重新投递", "重发"),
    "web": ("网页", "登录"),
    "help": ("帮助", "?", "？"),
}
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
    word, rest = _next(text.replace("\u3000", " "))
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


def word_for(verb: str, language: str) -> str:
    """Return what a reader of a language types for a verb."""
    return ALIASES[verb][0] if language == "zh_CN" else verb


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
