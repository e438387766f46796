"""The variables of the card template, and the validation of card requests by them and by DingTalk's limits.

`config/dingtalk_card.json` is the template to import into the card builder. DingTalk refuses an invalid request, or
displays a card with missing parts; so requests are validated before they are sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from core.commands import Verb
from core.verbs import VERBS, Target

_BUTTONS = (
    Verb.APPROVE, Verb.REJECT, Verb.SUBMIT, Verb.RECHECK, Verb.REPLAN, Verb.CANCEL, Verb.EXECUTE, Verb.RETRY, Verb.SKIP,
)  # fmt: skip
"""The buttons of the template, in order."""

PLAN_VERBS = tuple(verb for verb in _BUTTONS if VERBS[verb].target is Target.PLAN)
"""Buttons for the plan, which send the variable `ref`."""

ITEM_VERBS = tuple(verb for verb in _BUTTONS if VERBS[verb].target is Target.ITEM)
"""Buttons for items. Those of slot 1 send the variable `n1_ref` as their parameter `ref`, and so on."""

SLOT_VERBS = (*ITEM_VERBS, "show")
"""The buttons of a slot: those for items, and the one that opens what the slot is about."""

ROWS = tuple(f"i{number}" for number in range(1, 13))
"""The variables of the items, in order."""

SLOTS = ("n1", "n2", "n3")
"""The variables of the slots, in order: what somebody can act on now."""

_PARTS = ("risk", "changes", "votes", "input", "input_item", *SLOTS, "url")
"""The parts of the card that are hidden where they have nothing to show."""


def _describe_slot(slot: str) -> dict[str, str]:
    return {
        slot: f"Slot {slot[1:]}: what somebody can act on now, mostly an item with what it says; in the card's order.",
        f"{slot}_ref": f"Opaque reference that the buttons of slot {slot[1:]} send back.",
        f"{slot}_go": f"Words of the button execute of slot {slot[1:]}, such as: run, done, let it go on.",
    } | {f"{slot}_{verb}": f"Whether slot {slot[1:]} shows the button {verb}." for verb in SLOT_VERBS}


FLAGS: Mapping[str, str] = {
    **{f"show_{verb}": f"Whether the plan's button {verb} shows." for verb in PLAN_VERBS},
    **{f"show_{part}": f"Whether {part} shows." for part in _PARTS},
    **{name: text for slot in SLOTS for name, text in _describe_slot(slot).items() if name[3:] in SLOT_VERBS},
}
"""The variables that are "true" or "false", with their meaning."""

PUBLIC: Mapping[str, str] = {
    "title": "Number and name of the plan; also the summary in the list of chats.",
    "status": "State in the reader's language; the tag beside the title.",
    "status_color": "Colour of the tag: blue, green, orange, red or gray.",
    "ask": "Markdown, the only one: what is wanted, from whom, until when; how far a plan has come; links to runs.",
    "risk": "What must not be missed, a line each.",
    "changes": "What differs from what this reader last saw or voted on.",
    "touches": "Environments, services, databases with the kind of statement, keys.",
    **dict.fromkeys(ROWS, "Items: one with its contents where there are few, else several, a line each."),
    "rest": "What found no room, as counts.",
    "votes": "Stages, who decided, and what they said.",
    "foot": "Revision, digest, author; what the buttons do that cannot be undone.",
    "ref": "Opaque reference that the buttons of the plan send back; new for every revision.",
    "url": "The page of the plan; for one person, a link that signs in once.",
    "url_text": "Words of the link; those of the review where it takes the place of the button approve.",
    "hint": "Words inside the input above the plan's buttons: what is asked; `*` marks what is required.",
    "hint_item": "The same for the input above the slots; both inputs write the local variable `text`.",
    **{name: text for slot in SLOTS for name, text in _describe_slot(slot).items()},
    **FLAGS,
}
"""Variables that everybody sees, with their meaning, all of them strings; a card always has all of them."""

PRIVATE: Mapping[str, str] = {
    "note": "What one person alone sees: the answer to their last click.",
}
"""Variables that only one person sees; a card may have them or not."""

STATUS_COLORS = frozenset({"blue", "green", "orange", "red", "gray"})
MAX_KEY_BYTES = 100
MAX_VALUE_BYTES = 1024
MAX_TOTAL_BYTES = 16 * 1024
"""The maximum of all variables together. DingTalk documents none; this is what Fabu keeps to."""

_SPACES = {
    "dtv1.card//IM_GROUP.": ("imGroupOpenSpaceModel", "imGroupOpenDeliverModel"),
    "dtv1.card//IM_ROBOT.": ("imRobotOpenSpaceModel", "imRobotOpenDeliverModel"),
}


def delivery_problems(body: Mapping[str, Any]) -> list[str]:
    """Return the problems of the body of `createAndDeliver`; empty if DingTalk accepts it."""
    return [*_missing(body, "cardTemplateId", "outTrackId"), *_space(body), *_data(body)]


def update_problems(body: Mapping[str, Any]) -> list[str]:
    """Return the problems of the body of an update, which has all variables: what is missing would stay as it was."""
    return [*_missing(body, "outTrackId"), *_data(body)]


def param_problems(params: Mapping[str, Any], allowed: Mapping[str, str], *, complete: bool) -> Iterator[str]:
    """Yield the problems of one `cardParamMap`; `complete` requires every allowed variable."""
    if complete:
        yield from (f"{name}: missing" for name in allowed if name not in params)
    if measure(params) > MAX_TOTAL_BYTES:
        yield f"cardParamMap: larger than {MAX_TOTAL_BYTES} bytes"
    for name, value in params.items():
        if len(name.encode()) > MAX_KEY_BYTES:
            yield f"{name[:20]}…: the name is longer than {MAX_KEY_BYTES} bytes"
        elif name not in allowed:
            yield f"{name}: no such variable in the template"
        elif not isinstance(value, str):
            yield f"{name}: must be a string, not {type(value).__name__}"
        elif len(value.encode()) > MAX_VALUE_BYTES:
            yield f"{name}: longer than {MAX_VALUE_BYTES} bytes"
        elif name in FLAGS and value not in {"true", "false"}:
            yield f'{name}: must be "true" or "false"'
        elif name == "status_color" and value not in STATUS_COLORS:
            yield f"{name}: must be one of {', '.join(sorted(STATUS_COLORS))}"


def measure(params: Mapping[str, Any]) -> int:
    """Return the bytes of a `cardParamMap` as it is sent."""
    return len(json.dumps(dict(params), ensure_ascii=False).encode())


def _missing(body: Mapping[str, Any], *names: str) -> Iterator[str]:
    return (f"{name}: missing" for name in names if not body.get(name))


def _data(body: Mapping[str, Any]) -> Iterator[str]:
    yield from param_problems(body.get("cardData", {}).get("cardParamMap", {}), PUBLIC, complete=True)
    for user, data in body.get("privateData", {}).items():
        for problem in param_problems(data.get("cardParamMap", {}), PRIVATE, complete=False):
            yield f"privateData.{user}.{problem}"


def _space(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the problems of the address: its space model and its delivery model must be for the same kind of chat."""
    address = str(body.get("openSpaceId", ""))
    kind = next((prefix for prefix in _SPACES if address.startswith(prefix) and address != prefix), None)
    if kind is None:
        yield f"openSpaceId: must be one of {', '.join(_SPACES)} and an id"
        return
    space, deliver = _SPACES[kind]
    yield from (f"{name}: missing" for name in (space, deliver) if name not in body)
    others = {name for models in _SPACES.values() for name in models} - {space, deliver}
    yield from (f"{name}: does not fit {address}" for name in sorted(others & body.keys()))
    if not body.get(deliver, {}).get("robotCode"):
        yield f"{deliver}.robotCode: missing"
    if deliver == "imRobotOpenDeliverModel" and body.get(deliver, {}).get("spaceType") != "IM_ROBOT":
        yield f"{deliver}.spaceType: must be IM_ROBOT"
