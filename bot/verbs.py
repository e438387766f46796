"""The words of each verb, one row in `WORDS`: chats, cards, the REST API and the command line are made of them.

What a verb does, and which text goes with it, is in `core.verbs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.i18n.labels import N_
from core.card import Style
from core.commands import Verb
from core.verbs import VERBS, Target


class ChatVerb(StrEnum):
    """The verbs of chats that are not verbs of plans."""

    LIST = "list"
    SHOW = "show"
    NEW = "new"
    DIFF = "diff"
    LOG = "log"
    DELIVERIES = "deliveries"
    WEB = "web"
    HELP = "help"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbWords:
    """The words of one verb. Without the words for one way, the verb cannot be used in that way.

    Chats: `aliases` may be typed in place of the verb; the first one is what Chinese texts name. `usage` is its line in
    the help. `done` is the reply to a verb of a whole plan; verbs of items are answered with the item's status.
    Cards: the button has a `style`; `confirm` is a question to answer first, `question` and `hint` ask for the text.
    REST and command line: `summary` describes the endpoint, `cli_help` the command.
    """

    aliases: tuple[str, ...] = ()
    usage: str = ""
    done: str = ""
    style: Style = Style.DEFAULT
    confirm: str = ""
    question: str = ""
    hint: str = ""
    summary: str = ""
    cli_help: str = ""


WORDS: Mapping[Verb | ChatVerb, VerbWords] = {
    ChatVerb.LIST: VerbWords(aliases=("列表", "清单", "ls"), usage=N_("list [mine|status] [PAGE]: the plans")),
    ChatVerb.SHOW: VerbWords(
        aliases=("查看", "详情"), usage=N_("show N [ITEM|failed|ready|waiting|WORD|page 2]: a plan, or items of it")
    ),
    ChatVerb.NEW: VerbWords(aliases=("新建", "创建"), usage=N_("new [NAME]: start a plan")),
    Verb.CREATE: VerbWords(),
    Verb.EDIT: VerbWords(done=N_("Saved.")),
    Verb.FINISH: VerbWords(
        done=N_("The planning is finished."),
        summary="Declare the planning complete",
        cli_help="Declare the planning of a plan complete.",
    ),
    Verb.SUBMIT: VerbWords(
        aliases=("提交", "提审"),
        usage=N_("submit N: ask for approval, or start a plan that needs none"),
        done=N_("Submitted."),
        style=Style.PRIMARY,
        summary="Ask for approval, or start executing when none is needed",
        cli_help="Ask for approval; a plan that needs none may be executed at once.",
    ),
    Verb.APPROVE: VerbWords(
        aliases=("同意", "批准", "通过"),
        usage=N_("approve N [comment]"),
        done=N_("Approved."),
        style=Style.PRIMARY,
        summary="Approve in the current stage",
        cli_help="Approve a plan in its current stage.",
    ),
    Verb.REJECT: VerbWords(
        aliases=("驳回", "拒绝"),
        usage=N_("reject N REASON"),
        done=N_("Rejected."),
        style=Style.DANGER,
        question=N_("Why do you reject it?"),
        summary="Reject, with a reason",
        cli_help="Reject a plan, and say why.",
    ),
    Verb.DELEGATE: VerbWords(
        aliases=("转交", "委托"),
        usage=N_("delegate N PERSON: let somebody decide in your place"),
        done=N_("Delegated."),
        summary="Let somebody else decide in one's place",
        cli_help="Let somebody else decide in your place.",
    ),
    Verb.EXECUTE: VerbWords(
        aliases=("执行", "完成", "done", "run"),
        usage=N_("execute N ITEM [remark]: run a workflow, or mark a step as done"),
        style=Style.PRIMARY,
        question=N_("Remark"),
        hint=N_("What was done, and what came out of it"),
        summary="Mark a step as done, or start a workflow",
        cli_help="Start the workflow of an item, or mark a step that was done by hand as done.",
    ),
    Verb.SKIP: VerbWords(
        aliases=("跳过",),
        usage=N_("skip N ITEM REASON"),
        question=N_("Why is it skipped?"),
        summary="Leave an item out, with a reason",
        cli_help="Leave an item out, and say why.",
    ),
    Verb.RETRY: VerbWords(
        aliases=("重试",),
        usage=N_("retry N ITEM: run a failed workflow again"),
        style=Style.PRIMARY,
        summary="Run the workflow of a failed item again",
        cli_help="Run the workflow of a failed item again.",
    ),
    Verb.REPLAN: VerbWords(
        aliases=("重新规划", "撤回"),
        usage=N_("replan N [reason]: back to planning"),
        done=N_("Taken back."),
        confirm=N_("Take the plan back to planning? Votes are void, and running workflows are stopped."),
        summary="Take the plan back to planning",
        cli_help="Take a plan back to planning; votes are void, and running workflows are stopped.",
    ),
    Verb.CANCEL: VerbWords(
        aliases=("取消",),
        usage=N_("cancel N [reason]: give a plan up"),
        done=N_("Cancelled."),
        style=Style.DANGER,
        confirm=N_("Give up this plan for good? Running workflows are stopped."),
        summary="Give the plan up for good",
        cli_help="Give a plan up for good; running workflows are stopped.",
    ),
    Verb.RECHECK: VerbWords(
        aliases=("重新检测",),
        usage=N_("recheck N: ask the external system again"),
        done=N_("Asked again."),
        style=Style.PRIMARY,
        summary="Ask an external system again after its check failed",
        cli_help="Ask the external system again after its check failed.",
    ),
    Verb.DELETE: VerbWords(done=N_("Deleted.")),
    ChatVerb.DIFF: VerbWords(aliases=("对比", "差异"), usage=N_("diff N [REVISION]: what changed since you saw it")),
    ChatVerb.LOG: VerbWords(
        aliases=("操作记录", "记录", "日志"), usage=N_("log N [PAGE]: who did what, the newest on page 1")
    ),
    ChatVerb.DELIVERIES: VerbWords(
        aliases=("投递",), usage=N_("deliveries [N|all] [PAGE]: what outside systems could not be told")
    ),
    Verb.REPLAY: VerbWords(aliases=("重新投递", "重发"), usage=N_("replay ID|N|START [/ END]: deliver it again")),
    ChatVerb.WEB: VerbWords(
        aliases=("网页", "登录"), usage=N_("web [N]: a sign-in link to the console, or to a plan there")
    ),
    ChatVerb.HELP: VerbWords(aliases=("帮助", "?", "？"), usage=N_("help")),
}
"""In the order in which the help lists them."""

ALIASES: Mapping[Verb | ChatVerb, tuple[str, ...]] = {
    verb: words.aliases for verb, words in WORDS.items() if words.aliases
}
"""What may be typed in place of each verb of the chats."""


def word_for(verb: Verb | ChatVerb, language: str) -> str:
    """Return the word for a verb of the chats that texts in a language name."""
    return ALIASES[verb][0] if language == "zh_CN" else verb.value


def target_of(verb: Verb | ChatVerb) -> Target | None:
    """Return what has to be typed after a verb: a plan, or a plan and an item. None for a verb without a plan."""
    if isinstance(verb, Verb):
        return VERBS[verb].target
    return Target.PLAN if verb in (ChatVerb.SHOW, ChatVerb.DIFF, ChatVerb.LOG) else None
