"""Sentences for the entries of the operation log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.i18n import Locale
from bot.i18n.labels import N_
from core.audit import LogEntry, message_in
from core.commands import Verb
from core.events import EVENTS, Edited, Voted
from core.messages import Message
from core.people import Directory
from core.plan import Channel, Decision, Plan
from core.status import HookEvent, RunStatus
from core.text import join_names

SENTENCES = {
    "created": N_("started the plan"),
    "edited": N_("changed {changed}"),
    "finished": N_("finished the planning"),
    "policies_applied": N_("The policies were applied again"),
    "submitted": N_("asked for approval"),
    "submit_deferred": N_("asked for approval, which waits for the external check"),
    "voted": N_("{decision} in stage {stage}"),
    "delegated": N_("lets {to} decide in stage {stage}"),
    "stage_passed": N_("Stage {stage} is complete"),
    "approved": N_("The plan is approved"),
    "denied": N_("The plan is rejected"),
    "approval_expired": N_("Nobody decided in time"),
    "reminded": N_("reminded the approvers"),
    "form_linked": N_("opened the approval form {form}"),
    "form_reverted": N_("The approval form of stage {stage} was revoked: its votes do not count any more"),
    "form_voter_refused": N_("The approval form of stage {stage} asks {person}, whose vote does not count"),
    "execution_started": N_("The plan may be executed now"),
    "window_opened": N_("The release window has opened"),
    "item_done": N_("completed “{item}”"),
    "item_skipped": N_("skipped “{item}”"),
    "run_requested": N_("started “{item}”, attempt {attempt}"),
    "content_mismatch": N_("“{item}” was not started: what is stored is not what was approved"),
    "run_changed": N_("“{item}” is {status}"),
    "run_ended": N_("“{item}”: {status}"),
    "run_resumed": N_("let “{item}” go on"),
    "schedule_fired": N_("items started by the schedule: {count}"),
    "schedule_stopped": N_("The schedule starts nothing"),
    "check_started": N_("Waiting for the external check: {event}"),
    "check_progressed": N_("External check: {progress}"),
    "check_reminded": N_("still waits for the external check: {event}"),
    "check_passed": N_("The external check passed: {event}"),
    "check_failed": N_("The external check failed: {event}"),
    "check_repeated": N_("says again: {event}"),
    "succeeded": N_("The plan is complete"),
    "timed_out": N_("The release window closed before the plan was complete"),
    "replanned": N_("took the plan back to planning"),
    "cancelled": N_("cancelled the plan"),
    "deleted": N_("deleted the plan"),
    "told": N_("told {endpoint}: {event}"),
    "untold": N_("could not tell {endpoint}: {event}"),
    "endpoint_disabled": N_("{endpoint} is told nothing any more"),
    "cards_refused": N_("{chat} refuses the cards to {recipients}"),
    "replayed": N_("delivers again: {destinations}"),
    "refused": N_("was refused: {verb}"),
}
"""The sentence of each event by its name."""
_COMMENTS = ("comment", "reason", "remark", "message")
"""The details that may hold a comment; the first that an entry has follows its sentence."""
FIELDS = {
    "name": N_("name"),
    "manager": N_("manager"),
    "collaborators": N_("collaborators"),
    "window": N_("release window"),
    "schedule_at": N_("scheduled time"),
    "description": N_("release content"),
    "labels": N_("labels"),
    "jira_sprints": N_("Jira sprints"),
    "approval": N_("approval"),
    "checks": N_("external checks"),
    "items": N_("items"),
}
"""The fields of a plan that may be edited."""
_ITEM = re.compile(r"items\[([^]]*)\]")
"""The beginning of the path of a difference in an item, with its key."""


def render_entry(entry: LogEntry, plan: Plan, locale: Locale, directory: Directory) -> str:
    """Return a log entry as `actor: event — comment`; without the actor for events that nobody causes."""
    details = entry.details
    params = {name: _parameter(name, value, directory) for name, value in details.items()}
    item = plan.items.get(str(details.get("item_id", "")))
    params["item"] = item.name if item else "?"
    params["stage"] = _stage_name(plan, int(details.get("stage", 0)))
    params["changed"] = join_names(_changed(details, locale))
    params["count"] = len(details.get("started", ()))
    params["destinations"] = ", ".join(details.get("destinations", ()))
    params["recipients"] = directory.names(details.get("recipients", ()))
    params["attempt"] = (details.get("run") or {}).get("attempt", 1)
    params["event"] = params.get("event") or HookEvent((details.get("check") or {"event": "finish_planning"})["event"])
    sentence = locale.text(SENTENCES[entry.event], **params)
    if entry.event == Edited.name and details.get("revision"):
        sentence = locale.text("{what} (revision {revision})", what=sentence, revision=details["revision"])
    if EVENTS[entry.event].has_actor:
        sentence = locale.text("{who}: {what}", who=_actor_name(entry, locale, directory), what=sentence)
    comment = next((message_in(details, name) for name in _COMMENTS if details.get(name)), _policies(details))
    return f"{sentence} — {locale.message(comment)}" if comment else sentence


def _changed(details: Mapping[str, Any], locale: Locale) -> Iterator[str]:
    """Yield what an edit changed: the names of fields, and how many items."""
    keys = {found[1] for each in details.get("differences", ()) if (found := _ITEM.match(each["path"]))}
    for name in details.get("changed", ()):
        if name != "items" or not keys:
            yield locale.text(FIELDS[name])
        else:
            yield locale.text("1 item") if len(keys) == 1 else locale.text("{count} items", count=len(keys))


def _policies(details: Mapping[str, Any]) -> Message:
    """Return the policies that an entry applied, each with its reason."""
    applied = (details.get("controls") or {}).get("policies", ())
    parts = [f"{each['name']} ({each['reason']})" if each.get("reason") else str(each["name"]) for each in applied]
    return Message.verbatim(", ".join(parts))


def render_log_head(plan: Plan, locale: Locale) -> str:
    """Return the length of a plan's operation log and its newest hash: with them, people can prove a later change."""
    return locale.text("Operation log: {seq} entries, head {hash}", seq=plan.log_seq, hash=plan.log_head)


def _stage_name(plan: Plan, index: int) -> str:
    """Return the name of a stage, or its number when the current revision does not have it any more."""
    stages = plan.approval.stages
    return stages[index].name if index < len(stages) else str(index + 1)


def _actor_name(entry: LogEntry, locale: Locale, directory: Directory) -> str:
    """Return the name of the person or system that caused an entry; for a delegate also the represented person."""
    names = {"system": N_("System"), "external": N_("External system"), "gate:zadig": "Zadig"}
    name = (
        directory.name(entry.actor)
        if entry.actor_kind == "person"
        else locale.text(names.get(entry.actor, entry.actor))
    )
    delegate, person = entry.details.get("delegate"), entry.details.get("person")
    if entry.event == Voted.name and delegate:
        return locale.text("{delegate} for {person}", delegate=name, person=directory.name(str(person)))
    return name


def _parameter(name: str, value: Any, directory: Directory) -> Any:
    """Return a detail as a parameter of its sentence: an enumeration, the name of a person, or the value as it is."""
    kinds = {"decision": Decision, "status": RunStatus, "event": HookEvent, "chat": Channel}
    if name in kinds:
        return kinds[name](value)
    if name == "verb" and value in set(Verb):
        return Verb(value)
    return directory.name(value) if name in ("to", "person") else value
