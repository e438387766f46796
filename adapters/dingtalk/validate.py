"""The variables of the card template, and the validation of card requests by them and by DingTalk's limits.

`config/dingtalk_card.json` is the template to import into the card builder. DingTalk refuses an invalid request, or
displays a card with missing parts; so requests are validated before they are sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.commands import Verb
from core.verbs import VERBS, Target

_BUTTONS = (
    Verb.SUBMIT, Verb.RECHECK, Verb.APPROVE, Verb.REJECT, Verb.REPLAN, Verb.CANCEL, Verb.EXECUTE, Verb.SKIP, Verb.RETRY,
)  # fmt: skip
"""The buttons of the template, in order."""

PLAN_VERBS = tuple(verb for verb in _BUTTONS if VERBS[verb].target is Target.PLAN)
"""Buttons for the plan, which send the variable `ref`."""

ITEM_VERBS = tuple(verb for verb in _BUTTONS if VERBS[verb].target is Target.ITEM)
"""Buttons for the current item, which send the variable `item_ref` as their parameter `ref`."""

PUBLIC: Mapping[str, str] = {
    "title": "Number and name of the plan; plain text, also the summary in the list of chats.",
    "status": "Status of the plan in the reader's language; the tag beside the title.",
    "status_color": "Colour of the tag: blue, green, orange, red or gray.",
    "body": "Markdown written by Fabu: what the plan waits for, manager, window, approvals, the link to the page.",
    "details": "Plain text: the description of the plan, or what an item asks to do, as people wrote it.",
    "items": "Plain text: the items with their status, one a line.",
    "item": "Plain text: the current item, which execute, skip and retry act on; empty if there is none.",
    "footer": "Plain text: what the buttons that cannot be undone will do.",
    "ref": "Opaque reference that the buttons of the plan send back; new for every revision.",
    "item_ref": "Opaque reference that the buttons of the current item send back.",
    "show_input": 'Whether the card offers a field for a reason or remark: "true" or "false".',
} | {f"show_{verb}": f'Whether the button {verb} shows: "true" or "false".' for verb in PLAN_VERBS + ITEM_VERBS}
"""Variables that everybody sees, with their meaning; a new card has all of them."""

PRIVATE: Mapping[str, str] = {
    "note": "Plain text that one person alone sees: the answer to their last click.",
}
"""Variables that only one person sees; a card may have them or not."""

STATUS_COLORS = frozenset({"blue", "green", "orange", "red", "gray"})
MAX_KEY_BYTES = 100
MAX_VALUE_BYTES = 1024

_SPACES = {
    "dtv1.card//IM_GROUP.": ("imGroupOpenSpaceModel", "imGroupOpenDeliverModel"),
    "dtv1.card//IM_ROBOT.": ("imRobotOpenSpaceModel", "imRobotOpenDeliverModel"),
}


def delivery_problems(body: Mapping[str, Any]) -> list[str]:
    """Return the problems of the body of `createAndDeliver`; empty if DingTalk accepts it."""
    return [*_missing(body, "cardTemplateId", "outTrackId"), *_space(body), *_data(body, complete=True)]


def update_problems(body: Mapping[str, Any]) -> list[str]:
    """Return the problems of the body of an update, which needs only some of the variables."""
    return [*_missing(body, "outTrackId"), *_data(body, complete=False)]


def param_problems(params: Mapping[str, Any], allowed: Mapping[str, str], *, complete: bool) -> Iterator[str]:
    """Yield the problems of one `cardParamMap`; `complete` requires every allowed variable."""
    if complete:
        yield from (f"{name}: missing" for name in allowed if name not in params)
    for name, value in params.items():
        if len(name.encode()) > MAX_KEY_BYTES:
            yield f"{name[:20]}…: the name is longer than {MAX_KEY_BYTES} bytes"
        elif name not in allowed:
            yield f"{name}: no such variable in the template"
        elif not isinstance(value, str):
            yield f"{name}: must be a string, not {type(value).__name__}"
        elif len(value.encode()) > MAX_VALUE_BYTES:
            yield f"{name}: longer than {MAX_VALUE_BYTES} bytes"
        elif name.startswith("show_") and value not in {"true", "false"}:
            yield f'{name}: must be "true" or "false"'
        elif name == "status_color" and value not in STATUS_COLORS:
            yield f"{name}: must be one of {', '.join(sorted(STATUS_COLORS))}"


def _missing(body: Mapping[str, Any], *names: str) -> Iterator[str]:
    return (f"{name}: missing" for name in names if not body.get(name))


def _data(body: Mapping[str, Any], *, complete: bool) -> Iterator[str]:
    yield from param_problems(body.get("cardData", {}).get("cardParamMap", {}), PUBLIC, complete=complete)
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
