"""DingTalk's own approval forms, as the channel `dingtalk_instance`.

An administrator creates the form once in DingTalk, with four text fields (`FormFields`) and without a flow of its own;
`process_code` is its code. DingTalk has no idempotency keys: the key is written into a field of the form, and a form
with the same key is searched for before a new one is opened. DingTalk has steps that all approvers must approve, and
steps that any one approves. Where a plan needs a number of approvers, the step is for all, and the engine withdraws the
form when it has counted enough votes. DingTalk docs: "Create an approval instance", "Get the details of an approval
instance".

People may hand their task over in the form (`REDIRECT_TASK`), add approvers (`APPEND_TASK_BEFORE`, `APPEND_TASK_AFTER`)
and return the form (`REDIRECT_PROCESS`). Its history does not name who is asked by that: its tasks do, in the same
order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from adapters.dingtalk.client import Approvers, DingTalkClient
from adapters.dingtalk.events import OperationRecord, ProcessInstance
from adapters.dingtalk.text import clean, cut, cut_lines, flatten, plain
from core.errors import DeliveryError
from core.messages import NO_MESSAGE, Message
from core.plan import Decision
from core.ports.approval_forms import FormOrder, FormReturn, FormState, FormStatus, FormTransfer, FormVote
from core.ports.clock import Clock

LOOK_BACK = timedelta(days=7)
"""How far back a form with the same key is searched for: longer than a failed delivery is retried."""

_FIELD_BYTES = 3000
_OPEN = frozenset({"NEW", "RUNNING"})
_WITHDRAWN = frozenset({"TERMINATED", "CANCELED"})
_RESULTS = {"agree": FormStatus.APPROVED, "refuse": FormStatus.REJECTED}
_TRANSFER, _RETURN = "REDIRECT_TASK", "REDIRECT_PROCESS"
_ADDING = frozenset({_TRANSFER, "APPEND_TASK_BEFORE", "APPEND_TASK_AFTER"})
_GONE = re.compile(r"not.?exist|not.?found|不存在", re.IGNORECASE)
"""Matches DingTalk's error for a form that does not exist; its documentation lists no codes."""
_DECISIONS = {"AGREE": Decision.APPROVE, "REFUSE": Decision.REJECT}


@dataclass(frozen=True, slots=True)
class FormFields:
    """The names of the form's fields."""

    title: str = "发布计划"
    content: str = "发布内容"
    url: str = "链接"
    key: str = "编号"


class DingTalkForms:
    """Approval forms of DingTalk (`core.ports.approval_forms.ApprovalForms`)."""

    name = "dingtalk_instance"

    def __init__(
        self, client: DingTalkClient, clock: Clock, process_code: str, fields: FormFields | None = None
    ) -> None:
        self._client, self._clock, self._process_code = client, clock, process_code
        self._fields = fields or FormFields()

    async def start(self, order: FormOrder) -> str:
        """Open a form and return its id; the id of the first one when a form has the same key.

        Raises DeliveryError.
        """
        if found := await self._search(order.key, [order.submitter]):
            return found
        names = self._fields
        form = {
            names.title: cut(flatten(plain(order.title)), _FIELD_BYTES),
            names.content: cut_lines([_with_label(*line) for line in order.lines], _FIELD_BYTES),
            names.url: order.url,
            names.key: order.key,
        }
        step = Approvers(_action_type(order), order.approvers)
        return await self._client.start_process(self._process_code, order.submitter, form, [step])

    async def find(self, key: str) -> str:
        """Return the id of the form with a key in its field, submitted by anybody; empty when there is none.

        Searches the forms of the last days (`LOOK_BACK`). Raises DeliveryError.
        """
        return await self._search(key)

    async def state(self, form: str) -> FormState:
        """Return the present state of a form; one that was deleted has ended. Raises DeliveryError."""
        process = await self._get_process(form)
        if process is None:
            return FormState(FormStatus.ENDED, reason=Message("deleted"))
        status = await self._find_status(process)
        return FormState(
            status,
            tuple(_votes(process.operation_records)),
            Message("withdrawn") if process.status in _WITHDRAWN else NO_MESSAGE,
            transfers=tuple(_transfers(process)),
            voters=tuple(dict.fromkeys(task.user_id for task in process.tasks if task.user_id)),
            returned=_find_return(process.operation_records),
        )

    async def _find_status(self, process: ProcessInstance) -> FormStatus:
        if process.status in _OPEN:
            return FormStatus.OPEN
        if process.status in _WITHDRAWN:
            return FormStatus.ENDED
        for attached in process.attached_process_instance_ids:
            other = await self._get_process(attached)
            if other and other.revokes:
                return FormStatus.REVERTED
        return _RESULTS.get(process.result, FormStatus.ENDED)

    async def comment(self, form: str, text: str) -> None:
        """Add a comment to a form in the name of its submitter, unless the form has it already.

        Raises DeliveryError.
        """
        process = await self._get_process(form)
        text = cut(plain(text), _FIELD_BYTES)
        if process and not any(record.remark == text for record in process.operation_records):
            await self._client.comment_process(form, process.originator_user_id, text)

    async def cancel(self, form: str) -> None:
        """Withdraw a form in the name of its submitter, unless it has ended. Raises DeliveryError."""
        process = await self._get_process(form)
        if process and process.status in _OPEN:
            await self._client.terminate_process(form, process.originator_user_id)

    async def _get_process(self, form: str) -> ProcessInstance | None:
        try:
            return await self._client.get_process(form)
        except DeliveryError as error:
            if error.retryable or not _GONE.search(str(error)):
                raise
            return None

    async def _search(self, key: str, submitters: Sequence[str] = ()) -> str:
        since = self._clock.now() - LOOK_BACK
        ids = await self._client.find_processes(self._process_code, since, submitters)
        for instance in reversed(ids):
            if (await self._client.get_process(instance)).form.get(self._fields.key) == key:
                return instance
        return ""


def _action_type(order: FormOrder) -> Literal["AND", "OR", "NONE"]:
    """Return DingTalk's name for the rule; it requires NONE for a single approver."""
    if len(order.approvers) == 1:
        return "NONE"
    return "OR" if order.rule in ("any", 1) else "AND"


def _with_label(label: str, text: str) -> str:
    return ": ".join(part for part in (flatten(plain(label)), plain(text)) if part)


def _votes(records: list[OperationRecord]) -> Iterator[FormVote]:
    for record in records:
        decision = _DECISIONS.get(record.result.upper())
        if decision and record.type.startswith("EXECUTE_TASK"):
            yield FormVote(record.user_id, decision, clean(record.remark), _parse_time(record.date))


def _transfers(process: ProcessInstance) -> Iterator[FormTransfer]:
    """Yield who handed a task over to whom. Each entry that adds somebody has added one task, after all others."""
    adding = [record for record in process.operation_records if record.type in _ADDING]
    tasks = sorted(process.tasks, key=lambda task: task.create_time)
    for record, task in zip(adding, tasks[max(0, len(tasks) - len(adding)) :], strict=False):
        if record.type == _TRANSFER and record.user_id and task.user_id:
            yield FormTransfer(record.user_id, task.user_id)


def _find_return(records: list[OperationRecord]) -> FormReturn | None:
    returns = [record for record in records if record.type.upper() == _RETURN]
    return FormReturn(returns[-1].user_id, clean(returns[-1].remark)) if returns else None


def _parse_time(text: str) -> datetime | None:
    """Return a time such as `2026-11-24T08:00Z`; None for a text that is no time with a zone."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None
