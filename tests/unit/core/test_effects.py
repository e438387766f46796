"""Destinations as texts, and effects as the rows of the database have them."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import get_args

import pytest

from adapters.store.sql.outbox import delivery_of, effect_values
from core.effects import (
    Alarm,
    Answer,
    ContentMismatch,
    Destination,
    DestinationKind,
    Effect,
    FormCancel,
    FormComment,
    FormReverted,
    FormStart,
    Hook,
    Payload,
    RunCancel,
    RunResume,
    RunStart,
    Sync,
    Undelivered,
    Ungated,
)
from core.messages import Message
from core.status import HookEvent, PlanStatus
from tests.worlds import CI, HOOK, START

PLACES = {
    "slack": Destination(DestinationKind.CHAT, "slack"),
    "feishu_instance": Destination(DestinationKind.APPROVAL_FORM, "feishu_instance"),
    "dingtalk_instance": Destination(DestinationKind.APPROVAL_FORM, "dingtalk_instance"),
    "runner:local": Destination(DestinationKind.RUNNER, "local"),
    "hook:ci:2": Destination(DestinationKind.HOOK, "ci:2"),
    "gate:zadig": Destination(DestinationKind.GATE, "zadig"),
    "admins": Destination(DestinationKind.ADMINS),
    "admins:bob": Destination(DestinationKind.ADMINS, "bob"),
    "digests": Destination(DestinationKind.DIGESTS),
    "digests:bob": Destination(DestinationKind.DIGESTS, "bob"),
}
ROWS: list[tuple[str, str, str, str, Payload]] = [
    ("slack", "sync", "", "{}", Sync()),
    ("runner:local", "run_start", "r1", '{"item":"i1"}', RunStart("r1", "i1")),
    ("runner:local", "run_resume", "r1", '{"item":"i1","comment":"好","by":"bob"}', RunResume("r1", "i1", "好", "bob")),
    ("runner:local", "run_cancel", "r1", '{"item":"i1","run":"deploy/43"}', RunCancel("r1", "i1", "deploy/43")),
    ("hook:ci:2", "hook", "all_job_done", '{"status":"success","instance_code":"c0de"}',
     Hook(HookEvent.ALL_JOB_DONE, PlanStatus.SUCCESS, "c0de")),
    ("feishu_instance", "form_start", "p1-3-0", '{"stage":0,"revision":3}', FormStart(0, 3, "p1-3-0")),
    ("feishu_instance", "form_comment", "F1", '{"person":"dave"}', FormComment("F1", "dave")),
    ("admins", "form_reverted", "alice", '{"stage":0,"revision":3}', FormReverted(0, 3, "alice")),
    ("feishu_instance", "form_cancel", "F1", '{"stage":0,"form":"F1"}', FormCancel(0, "F1")),
    ("gate:zadig", "answer", "", "{}", Answer()),
    ("gate:zadig", "ungated", "start_execute", '{"instance_code":"c0de"}', Ungated(HookEvent.START_EXECUTE, "c0de")),
    ("admins", "alarm", "ci", '{"reason":"it is full"}', Alarm("ci", Message.verbatim("it is full"))),
    ("admins", "alarm", "ci", '{"reason":{"text":"it failed","params":{}}}', Alarm("ci", Message("it failed"))),
    ("admins:bob", "undelivered", "slack", '{"recipients":["bob","C1"],"manager":"alice","reason":"not_in_channel"}',
     Undelivered("slack", ("bob", "C1"), "alice", Message.verbatim("not_in_channel"))),
    ("admins", "content_mismatch", "i1", "{}", ContentMismatch("i1")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "destination"), PLACES.items())
def test_a_destination_has_one_text(text: str, destination: Destination) -> None:
    assert str(destination) == text
    assert Destination.parse(text) == destination


def test_a_destination_of_no_kind_is_no_destination() -> None:
    with pytest.raises(ValueError, match="pigeon"):
        Destination.parse("pigeon:post")


def test_there_is_a_row_of_every_kind_of_payload() -> None:
    assert {type(payload) for *_, payload in ROWS} == set(get_args(Payload))


@pytest.mark.parametrize(("destination", "kind", "ref", "details", "payload"), ROWS)
def test_effects_are_read_from_the_rows_that_they_are_written_to(
    destination: str, kind: str, ref: str, details: str, payload: Payload
) -> None:
    effect = Effect("e1", "p1", PLACES[destination], payload, START)
    written = effect_values(effect, START)
    assert (written["destination"], written["kind"], written["ref"]) == (destination, kind, ref)
    assert written["payload"] == details
    assert delivery_of(SimpleNamespace(**written)).effect == effect


def test_a_row_from_before_cancellations_knew_the_runners_own_id_is_read() -> None:
    written = effect_values(Effect("e1", "p1", PLACES["runner:local"], RunCancel("r1", "i1", "43")), START)
    row = SimpleNamespace(**written | {"payload": json.dumps({"item": "i1"})})
    assert delivery_of(row).effect.payload == RunCancel("r1", "i1", "")


def test_a_payload_of_another_kind_is_a_mistake() -> None:
    effect = Effect("e1", "p1", CI, HOOK)
    assert effect.payload_as(Hook) is HOOK
    with pytest.raises(TypeError, match="hook:ci does not take Sync"):
        replace(effect, payload=Sync()).payload_as(Hook)
