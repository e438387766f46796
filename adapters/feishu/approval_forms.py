"""Feishu's own approval forms, as the channel `feishu_instance`.

Feishu docs, "Native approval" (approval v4): a definition has the fields and the steps of a form; each submitted form
is an instance of one. Fabu's definition has one text field, and one step whose approvers the submitter chooses. Feishu
has steps that all approvers must approve, and steps that any one approves. Where a plan needs a number of
approvers, the step is for all, and the engine withdraws the form when it has counted enough votes.

People may hand their task over in the form (`TRANSFER`), add approvers (`ADD_APPROVER` and the like), and return the
form (`ROLLBACK`); the `timeline` of an instance has all of it. The submitter of an approved form may revoke it: the
event of that has the status `REVERTED`, the instance itself stays `APPROVED` and is `reverted`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from adapters.feishu.client import FeishuClient
from adapters.feishu.errors import NO_SUCH_INSTANCE, FeishuError
from adapters.feishu.text import plain
from core.errors import DeliveryError
from core.messages import NO_MESSAGE, Message
from core.plan import Decision, Rule
from core.ports.approval_forms import FormOrder, FormReturn, FormState, FormStatus, FormTransfer, FormVote

log = logging.getLogger(__name__)

TEXT: Final = 5000  # characters of the plan in the form
TITLE: Final = 100
_STEP: Final = "approvers"
_WIDGETS: Final = ("textarea", "input")
_TEXTS: Final = {
    "zh-CN": {"@i18n@name": "发布计划", "@i18n@step": "审批", "@i18n@text": "发布内容"},
    "en-US": {"@i18n@name": "Release plan", "@i18n@step": "Approval", "@i18n@text": "Release"},
}
_DECISIONS: Final = {"APPROVED": Decision.APPROVE, "REJECTED": Decision.REJECT}
_OPEN: Final = frozenset({"PENDING", "OVERTIME_RECOVER"})
_REVERTED: Final = "REVERTED"
_RETURNS: Final = frozenset({"ROLLBACK", "ROLLBACK_SELECTED"})
_COMMENT: Final = 1000  # characters
_ENDS: Final = {
    "CANCELED": Message("withdrawn"),
    "DELETED": Message("deleted"),
    "OVERTIME_CLOSE": Message("expired"),
}


@dataclass(frozen=True, slots=True)
class _Definition:
    """A form to fill in: the widget of the text, the step of the approvers, and its kind: AND for all, OR for any."""

    code: str
    widget: Mapping[str, Any]
    step: str
    kind: str


class FeishuForms:
    """Approval forms of Feishu (`core.ports.approval_forms.ApprovalForms`)."""

    name = "feishu_instance"

    def __init__(self, client: FeishuClient, approval_code: str = "") -> None:
        """Use the definition with this code; without one, create definitions when they are needed."""
        self._client, self._approval_code = client, approval_code
        self._definitions: dict[str, _Definition] = {}
        self._defining = asyncio.Lock()

    async def start(self, order: FormOrder) -> str:
        """Submit a form and return its instance code; repeated with the same key, it is submitted once."""
        definition = await self._get_definition("OR" if order.rule == "any" else "AND")
        if definition.kind == "OR" and _required_votes(order.rule, len(order.approvers)) > 1:
            reason = Message(
                "the approval definition {code} lets one approver decide, but the plan asks for more",
                {"code": definition.code},
            )
            raise DeliveryError("Feishu", reason, retryable=False, sent=False)
        lines = plain("\n".join(f"{label}: {value}" for label, value in order.lines), TEXT - len(order.url) - 1)
        text = f"{lines}\n{order.url}"
        form = [{"id": definition.widget["id"], "type": definition.widget["type"], "value": text}]
        approvers = {definition.step: order.approvers}
        return await self._client.start_instance(
            definition.code, order.submitter, form, approvers, order.key, plain(order.title, TITLE)
        )

    async def find(self, key: str) -> str:
        """Return the instance code of the form with a key, which is its uuid; empty when there is none."""
        instance = await self._get_instance(key)
        return instance["instance_code"] if instance else ""

    async def state(self, form: str) -> FormState:
        """Return the present state of a form. Tasks that Feishu decided by its own rules are no votes."""
        instance = await self._get_instance(form)
        if instance is None:
            return FormState(FormStatus.ENDED, reason=Message("deleted"))
        status = _REVERTED if instance.get("reverted") else str(instance["status"])
        comments = {entry.get("task_id"): entry.get("comment") or "" for entry in instance.get("timeline") or ()}
        tasks = sorted(instance.get("task_list") or (), key=_ended_at)
        votes = tuple(
            FormVote(task["open_id"], _DECISIONS[task["status"]], comments.get(task["id"], ""), _voted_at(task))
            for task in tasks
            if task["status"] in _DECISIONS and task.get("open_id")
        )
        timeline = sorted(instance.get("timeline") or (), key=_happened_at)
        return FormState(
            _status(status),
            votes,
            _ENDS.get(status, NO_MESSAGE),
            transfers=tuple(_transfers(timeline)),
            voters=tuple(dict.fromkeys(task["open_id"] for task in tasks if task.get("open_id"))),
            returned=_find_return(timeline),
        )

    async def comment(self, form: str, text: str) -> None:
        """Add a comment to a form in the name of its submitter, unless the form has it already."""
        instance = await self._get_instance(form)
        text = plain(text, _COMMENT)
        if instance and not any(text in (each.get("comment") or "") for each in instance.get("comment_list") or ()):
            await self._client.comment_instance(form, instance["open_id"], text)

    async def cancel(self, form: str) -> None:
        """Withdraw a form in the name of its submitter, unless it has ended."""
        instance = await self._get_instance(form)
        if instance and instance["status"] in _OPEN:
            await self._client.cancel_instance(instance["approval_code"], form, instance["open_id"])

    async def _get_instance(self, form: str) -> dict[str, Any] | None:
        """Return a form in Feishu's format; None when Feishu does not have it any more."""
        try:
            return await self._client.get_instance(form)
        except FeishuError as error:
            if error.vendor_code != NO_SUCH_INSTANCE:
                raise
            return None

    async def _get_definition(self, kind: str) -> _Definition:
        """Return the definition in the settings, or else one with a step of a kind. Its events are subscribed to."""
        key = self._approval_code or kind
        async with self._defining:
            if key not in self._definitions:
                definition = await (self._load_definition() if self._approval_code else self._create_definition(kind))
                await self._client.subscribe(definition.code)
                self._definitions[key] = definition
            return self._definitions[key]

    async def _load_definition(self) -> _Definition:
        code = self._approval_code
        answer = await self._client.get_definition(code)
        widget = next((widget for widget in orjson.loads(answer["form"]) if widget["type"] in _WIDGETS), None)
        step = next((step for step in answer["node_list"] if step.get("need_approver")), None)
        if widget is None or step is None:
            reason = Message(
                "the approval definition {code} needs a text field, and a step whose approvers the sender chooses",
                {"code": code},
            )
            raise DeliveryError("Feishu", reason, retryable=False, sent=False)
        return _Definition(code, widget, step["node_id"], step["node_type"])

    async def _create_definition(self, kind: str) -> _Definition:
        widget = {"id": "plan", "type": "textarea", "name": "@i18n@text", "required": True}
        step = {"id": _STEP, "name": "@i18n@step", "node_type": kind, "approver": [{"type": "Free"}]}
        code = await self._client.create_definition(
            {
                "approval_name": "@i18n@name",
                "viewers": [{"viewer_type": "NONE"}],
                "form": {"form_content": orjson.dumps([widget]).decode()},
                "node_list": [{"id": "START"}, {**step, "approver_chosen_multi": True}, {"id": "END"}],
                "i18n_resources": [_resource(language) for language in _TEXTS],
            }
        )
        log.warning(
            "The approval definition %s was created in Feishu. Set feishu.approval_code to it, or to one created by an "
            "administrator: otherwise every start of Fabu may create another one, and Feishu lets none be deleted.",
            code,
        )
        return _Definition(code, widget, _STEP, kind)


def _resource(language: str) -> dict[str, Any]:
    texts = [{"key": key, "value": value} for key, value in _TEXTS[language].items()]
    return {"locale": language, "texts": texts, "is_default": language == "zh-CN"}


def _required_votes(rule: Rule, approvers: int) -> int:
    if isinstance(rule, int):
        return rule
    return approvers if rule == "all" else 1


def _status(status: str) -> FormStatus:
    if status in _DECISIONS or status == _REVERTED:
        return FormStatus(status.lower())
    return FormStatus.OPEN if status in _OPEN else FormStatus.ENDED


def _happened_at(entry: Mapping[str, Any]) -> int:
    return int(entry.get("create_time") or 0)


def _transfers(timeline: Iterable[Mapping[str, Any]]) -> Iterator[FormTransfer]:
    """Yield the transfers of tasks. Who gets one is in the JSON of the entry's `ext`."""
    for entry in timeline:
        user, ext = entry.get("open_id"), _parse_ext(entry)
        receivers = [each for each in [*(ext.get("open_id_list") or ()), ext.get("open_id")] if each and each != user]
        if entry.get("type") == "TRANSFER" and user and receivers:
            yield FormTransfer(user, receivers[0])


def _parse_ext(entry: Mapping[str, Any]) -> dict[str, Any]:
    try:
        parsed = orjson.loads(entry.get("ext") or "{}")
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _find_return(timeline: Iterable[Mapping[str, Any]]) -> FormReturn | None:
    returns = [entry for entry in timeline if entry.get("type") in _RETURNS]
    return FormReturn(returns[-1].get("open_id") or "", returns[-1].get("comment") or "") if returns else None


def _ended_at(task: Mapping[str, Any]) -> int:
    return int(task.get("end_time") or 0)


def _voted_at(task: Mapping[str, Any]) -> datetime | None:
    """Return when a task ended, None when it has not. Feishu's times are in milliseconds, with 0 for none."""
    milliseconds = _ended_at(task)
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
