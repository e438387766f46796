"""The words that people type for each verb of the chats, in English and Chinese."""

from __future__ import annotations

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


def word_for(verb: str, language: str) -> str:
    """Return what a reader of a language types for a verb."""
    return ALIASES[verb][0] if language == "zh_CN" else verb
