"""The components of DingTalk's card template, each as the card builder keeps it and as it is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from adapters.dingtalk.validate import PRIVATE

COLORS: Final = {"blue": "#007FFF", "gray": "#747677", "red": "#FF5219"}
TINTS: Final = {"risk": ("#FFF4F4", "#3A2323"), "changes": ("#F0F6FF", "#22303F")}
NO_ANSWER: Final = "没有得到回应，请稍后再试 No answer, please try again"
NOTE: Final = (
    "@triple{@greater{@toLong{@len{@toStr{@data{data.cardPrivateData.note}}}},0},"
    "@data{data.cardPrivateData.note},@data{data.cardData.note}}"
)
PADDED: Final = (
    'width="match_parent" height="match_content" '
    'paddingLeft="12np" paddingRight="12np" paddingTop="6np" paddingBottom="6np"'
)
INK: Final = "@dtDarkModeAdapter{'#171A1D','#EEF2F8'}"
PALE: Final = "@dtDarkModeAdapter{'#747677','#9A9A9B'}"
ALWAYS: Final[dict[str, Any]] = {
    "type": "dynamicVisible",
    "value": True,
    "valueType": "fixed",
    "condition": {"op": "and", "conditions": []},
}


@dataclass(frozen=True)
class Node:
    """A component in both forms."""

    editor: dict[str, Any]
    widget: str


@dataclass(frozen=True)
class Knob:
    """A button: its flag, its words, and the variable with its reference; without a verb it opens the page."""

    flag: str
    text: str
    color: str
    verb: str = ""
    ref: str = ""


def string(content: str) -> dict[str, Any]:
    """Return a text with variables as `${name}`."""
    return {"type": "dynamicString", "content": content, "i18n": False}


def link(variable: str = "") -> dict[str, Any]:
    """Return an address, or none."""
    kind = "variable" if variable else "fixed"
    return {"type": "dynamicLink", "value": "", "valueType": kind, "variable": variable, "variableType": "global"}


def choice(value: Any, kind: str = "dynamicSelect") -> dict[str, Any]:
    """Return a fixed value of a property that could be a variable."""
    return {"type": kind, "valueType": "fixed", "value": value, "variable": "", "variableType": "global"}


def visible(flag: str) -> dict[str, Any]:
    """Return when a component shows: if a flag is set."""
    condition = {
        "value": "",
        "op": "isTrue",
        "variable": flag,
        "variableType": "global",
        "type": "variable",
        "valueType": "fixed",
        "valueVariableType": "global",
    }
    return {**ALWAYS, "valueType": "condition", "condition": {"op": "and", "conditions": [condition]}}


def data(name: str) -> str:
    """Return how what is drawn reads a variable."""
    return f"@data{{data.cardData.{name}}}"


def shown_if(expression: str) -> str:
    """Return the attribute that hides what is drawn where an expression is empty or false."""
    return f"visibility=\"@triple{{{expression},'visible','gone'}}\""


def component(kind: str, name: str, title: str, props: dict[str, Any]) -> dict[str, Any]:
    """Return a component of the builder."""
    flags = {"hidden": False, "isLocked": False, "condition": True, "conditionGroup": ""}
    return {"componentName": kind, "id": f"node_fabu_{name}", "props": props, "title": title, **flags}


def text(name: str, title: str, *, flag: str = "", lines: int = 60, pale: bool = False) -> Node:
    """Return a text without markup, which shows if its flag is set, or else if it is not empty."""
    image = {"value": "", "valueType": "fixed", "type": "dynamicImage"}
    props = {
        "text": string(f"${{{name}}}"),
        "iconType": "Standard",
        "icon": image,
        "darkIcon": image,
        "iconCode": {"type": "icon", "icon": "", "iconType": "emoji"},
        "maxLine": choice(lines, "dynamicNumber"),
        "prefix": string(""),
        "visible": visible(flag) if flag else ALWAYS,
        "isStreaming": False,
        "textVariable": {"type": "variableValue", "variableType": "global", "variable": ""},
    }
    value = NOTE if name in PRIVATE else data(name)
    tint = "backgroundColor=\"@dtDarkModeAdapter{{'{}','{}'}}\" ".format(*TINTS[name]) if name in TINTS else ""
    widget = (
        f'<LinearLayout {PADDED} userId="node_fabu_{name}" {tint}{shown_if(data(flag) if flag else value)}>'
        f'<FastTextView width="match_parent" height="match_content" text="@toStr{{{value}}}" textSize="14np" '
        f'maxLines="{lines}" lineBreakMode="end" textColor="{PALE if pale else INK}"></FastTextView></LinearLayout>'
    )
    return Node(component("BaseTextBlock", name, title, props), widget)


def markdown(name: str, title: str) -> Node:
    """Return a text with markup."""
    variable = {
        "type": "dynamicMarkdown",
        "valueType": "variable",
        "value": "",
        "variable": name,
        "variableType": "global",
    }
    margins = {"marginLeft": 12, "marginRight": 12, "marginTop": 12, "marginBottom": 0}
    props = {
        "mdVer": 0, "hoverText": string(""), **margins, "visible": ALWAYS, "content": variable, "innerOffset": 0,
    }  # fmt: skip
    widget = (
        '<LinearLayout width="match_parent" height="match_content" marginTop="12np" marginLeft="12np" '
        f'marginRight="12np" userId="node_fabu_{name}"><DDRichTextView width="match_parent" height="match_content" '
        f'attributedText="{data(name)}"></DDRichTextView></LinearLayout>'
    )
    return Node(component("Markdown", name, title, props), widget)


def divider(name: str) -> Node:
    """Return a line."""
    widget = (
        f'<LinearLayout {PADDED} userId="node_fabu_{name}">'
        '<View width="match_parent" height="0.5np" backgroundColor="#297E868E"></View></LinearLayout>'
    )
    return Node(component("DividerBlock", name, "分割线区块", {"visible": ALWAYS}), widget)


def entry(name: str, hint: str) -> Node:
    """Return an input that writes the local variable `text`."""
    local = {"variable": "text", "variableType": "global", "varType": "string", "type": "variableValue"}
    props = {
        "placeholder": string(f"${{{hint}}}"),
        "currentValue": string("${text}"),
        "message": string(f"${{{hint}}}"),
        "title": string("原因或备注 Reason or remark"),
        "id": "text",
        "params": [],
        "visible": visible(f"show_{name}"),
        "status": choice("normal"),
        "actionType": "setLocalState",
        "localVarAction": local,
    }
    widget = (
        f'<LinearLayout {PADDED} userId="node_fabu_{name}" {shown_if(data(f"show_{name}"))}>'
        '<LinearLayout width="match_parent" height="match_content" borderColor="#297e868e" borderWidth="0.5np" '
        f'cornerRadius="4np" onTap="@dxEventHandler{{\'node_fabu_{name}_text\'}}"><FastTextView width="match_parent" '
        'height="match_content" textSize="14np" marginTop="9np" marginBottom="9np" marginLeft="8np" maxLines="2" '
        f'lineBreakMode="end" textColor="{INK}" '
        f'text="@triple{{@data{{data.localData.text}},@data{{data.localData.text}},@toStr{{{data(hint)}}}}}">'
        "</FastTextView></LinearLayout></LinearLayout>"
    )
    return Node(component("Input", name, "文本输入", props), widget)


def prompt(hint: str) -> dict[str, Any]:
    """Return what a tap on an input does: it asks for a text, and keeps it as the local variable `text`."""
    labels = "@dtArrayAppend{null,@dti18NAdapter{'确定','確定','OK'},@dti18NAdapter{'取消','取消','Cancel'}}"
    params = {
        "message": f"@toStr{{{data(hint)}}}",
        "title": "@toStr{'原因或备注 Reason or remark'}",
        "buttonLabels": labels,
        "defaultText": "@toStr{@data{data.localData.text}}",
    }
    pressed = "@equal{@toStr{@dtGetEventChainData{'main_success.buttonIndex'}},'0'}"
    done = "main_success_left_callback"
    kept = {"text": "@dtGetEventChainData{'main_success.value'}"}
    return {
        "main": {"type": "dtOpenLink", "params": {}, "next": "$(main_success)"},
        "main_success": {
            "type": "dtCallAPI",
            "params": {
                "type": "callJSAPI",
                "apiName": "device.notification.prompt",
                "params": params,
                "dataKey": "main_success",
            },
            "dataKey": "main_success",
            "callback": {"success": f"@triple{{{pressed},'$({done})',''}}"},
        },
        done: {
            "type": "dtUpdateLocalData",
            "params": {
                "actionType": "0",
                "cardInstanceId": "@data{data.cardInstanceId}",
                "actionId": "text",
                "dataKey": done,
                "localData": kept,
            },
            "callback": {},
        },
    }


def buttons(name: str, title: str, *knobs: Knob) -> Node:
    """Return a row of buttons."""
    made = [_button(number, knob) for number, knob in enumerate(knobs)]
    drawn = "".join(_draw_button(f"node_fabu_{name}", knob) for knob in knobs)
    widget = f'<LinearLayout {PADDED} userId="node_fabu_{name}" orientation="horizontal">{drawn}</LinearLayout>'
    return Node(component("ButtonBlock", name, title, {"buttons": made}), widget)


def _button(number: int, knob: Knob) -> dict[str, Any]:
    names = (("1", knob.ref, "ref"), ("2", "text", "text")) if knob.verb else (("1", "", ""),)
    kind = "variable" if knob.verb else "fixed"
    params = [
        {"type": kind, "variable": variable, "value": "", "name": name, "variableType": "global", "id": each}
        for each, variable, name in names
    ]
    return {
        "$$key": str(number),
        "id": knob.verb or "open",
        "text": string(knob.text),
        "status": "normal",
        "color": knob.color,
        "icon": {"type": "icon", "icon": "", "iconType": "emoji"},
        "actionType": "request" if knob.verb else "url",
        "urlType": "all",
        "url": link("" if knob.verb else "url"),
        "androidUrl": link(),
        "pcUrl": link(),
        "iosUrl": link(),
        "isDtmd": False,
        "actionId": string(knob.verb),
        "params": params,
        "successToast": string("${note}" if knob.verb else ""),
        "failureToast": string(NO_ANSWER if knob.verb else ""),
        "successCondition": {"op": "and", "conditions": []},
        "disabledWhileForward": True,
        "visible": visible(knob.flag),
    }


def _draw_button(node: str, knob: Knob) -> str:
    color = COLORS[knob.color]
    words = data(knob.text[2:-1]) if knob.text.startswith("${") else f"'{knob.text}'"
    tap, toast = _tap(f"card_button_{node}_{knob.verb}_request_status", knob)
    return (
        '<LinearLayout width="match_content" height="match_content" marginTop="6np" marginBottom="6np" '
        'marginRight="12np" paddingLeft="16np" paddingRight="16np" cornerRadius="6np" childGravity="center" '
        f'borderWidth="1np" borderColor="{color}" minWidth="88np" {shown_if(data(knob.flag))} onTap="{tap}">{toast}'
        '<FastTextView width="match_content" height="36np" lineHeight="36np" textGravity="center" textSize="14np" '
        f'textColor="{color}" text="@toStr{{{words}}}"></FastTextView></LinearLayout>'
    )


def _tap(status: str, knob: Knob) -> tuple[str, str]:
    """Return what a tap on a button does, and what shows the private note when the answer is there."""
    if not knob.verb:
        return f"@dtOpenLink{{{data('url')}}}", ""
    params = f"@dtMapAppend{{null,'ref',{data(knob.ref)},'text',@data{{data.localData.text}}}}"
    private = f"@dtMapAppend{{null,'params',{params},'actionIds',@dtArrayAppend{{null,'{knob.verb}'}}}}"
    context = f"@dtMapAppend{{null,'context',@data{{data.renderContext}},'cardPrivateData',{private}}}"
    tap = (
        "@dtSendOutData{@dtMapAppend{null,'actionType','0','cardInstanceId',@data{data.cardInstanceId},"
        f"'actionId','{knob.verb}','actionData',{context},'requestEventId','{status}','requestStatusKey','{status}'}}}}"
    )
    toast = f"@dtMapAppend{{null,'action','dtToast','args',@dtArrayAppend{{null,@toStr{{{NOTE}}},@toLong{{0}}}}}}"
    handler = f"@dtConditionalHandler{{@data{{data.cardInstanceId}},{toast},@dtMapAppend{{null}}}}"
    return tap, f'<DDEventView userId="{status}" onEvent="{handler}"></DDEventView>'


def frame(nodes: Iterable[Node]) -> Node:
    """Return the card around its components: the title and the tag with the state."""
    nodes = list(nodes)
    color = data("status_color")
    tag = "'#007FFF'"
    for name, value in (("gray", "#747677"), ("orange", "#FF9200"), ("green", "#00B042"), ("red", "#FF5219")):
        tag = f"@triple{{@equal{{{color},'{name}'}},'{value}',{tag}}}"
    props = {
        "url": link(),
        "linkCondition": ALWAYS,
        "cardIcon": {"url": "", "type": "image"},
        "cardName": string("${title}"),
        "tagText": string("${status}"),
        "tagColor": {**choice("blue"), "valueType": "variable", "variable": "status_color"},
        "tagStyle": "hollow",
        "showCloseButton": False,
        "actionType": "url",
        "urlType": "all",
        "androidUrl": link(),
        "pcUrl": link(),
        "iosUrl": link(),
        "disabledWhileForward": True,
    }
    head = (
        '<LinearLayout width="match_parent" height="20np" orientation="horizontal" marginBottom="8np" '
        'tborderJson="flow" childGravity="leftCenter">'
        f'<FastTextView text="@toStr{{{data("title")}}}" maxLines="1" width="match_content" height="match_content" '
        f'textSize="15np" textColor="{INK}" lineBreakMode="end"></FastTextView>'
        f'<FastTextView text="@toStr{{{data("status")}}}" textSize="10np" textColor="{tag}" maxLines="1" '
        'width="match_content" height="16np" lineHeight="14np" marginLeft="8np" paddingLeft="4np" '
        f'paddingRight="4np" cornerRadius="4np" borderWidth="1np" borderColor="{tag}"></FastTextView></LinearLayout>'
    )
    widget = (
        '<LinearLayout width="@data{width}" height="match_content" userId="node_fabu_card" orientation="vertical" '
        "cornerRadius=\"6np\" backgroundColor=\"@dtDarkModeAdapter{'#FFFFFF','#1E1E1E'}\">"
        '<LinearLayout width="match_parent" height="match_content" orientation="vertical" marginLeft="12np" '
        f'marginRight="12np" marginTop="12np" marginBottom="12np">{head}{"".join(node.widget for node in nodes)}'
        "</LinearLayout></LinearLayout>"
    )
    card = component("StdCard", "card", "标准卡片", props) | {"children": [node.editor for node in nodes]}
    return Node(card, widget.replace("'", "&#039;"))
