"""Cards as blocks: what is shown, what is folded, and that nothing a card may hold breaks Slack's rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack import validate
from adapters.slack.render import render_home, render_message, render_modal, render_reply, render_text
from adapters.slack.text import clean, escape, strip_markup
from core.card import (
    SAY,
    Button,
    Card,
    Code,
    Excerpt,
    ExcerptKind,
    Field,
    Form,
    Link,
    Moment,
    Notice,
    Option,
    Picker,
    Row,
    Section,
    Show,
    State,
    Style,
    Text,
    Tone,
    Weight,
    line,
)
from core.chat import Reply
from tests.simulators import slack_blocks
from tests.simulators.slack_reading import text_of

from . import cards

HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "<!channel> <@U1> <https://evil.example.com|Approve here>",
            "&amp;" * 900,
            "&" * 4000,
            "\u202eevorppA\u202c\x00\x1b[31m\ud800",
            "*_~`:tada:" * 400,
            "\n\r\n\t \u2028" * 50,
            "发布计划" * 1000,
        ]
    ),
)
MOMENTS = st.integers(1_000_000_000, 9_999_999_999).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
VERBS = st.sampled_from(["approve", "reject", "execute", "skip"])
FIELDS = st.builds(
    Field, HOSTILE, st.just("text"), HOSTILE, st.booleans(), st.booleans(), HOSTILE, st.integers(-1, 5000)
)
URLS = st.sampled_from(
    ["", "https://a.example.com/?q=<b>&x=1", "javascript:alert(1)", "http://[", "HTTPS://A/" + "x" * 4000]
)
BUTTONS = st.builds(
    Button, VERBS, HOSTILE, st.just("1f.2e.3d"), st.sampled_from(Style), st.none() | FIELDS, HOSTILE, URLS
)
SPANS = st.one_of(
    st.builds(Text, HOSTILE, st.booleans(), st.booleans()),
    st.builds(Code, HOSTILE),
    st.builds(Link, HOSTILE, URLS),
    st.builds(Moment, MOMENTS, HOSTILE),
)
LINES = st.lists(SPANS, max_size=4).map(tuple)
EXCERPTS = st.builds(Excerpt, st.sampled_from(ExcerptKind), st.lists(HOSTILE, max_size=4).map(tuple), HOSTILE)
STATES = st.builds(State, st.sampled_from(Tone), st.sampled_from(["", "✅"]), HOSTILE)
ROWS = st.builds(
    Row,
    HOSTILE,
    st.sampled_from(Weight),
    STATES,
    LINES,
    st.lists(LINES | EXCERPTS, max_size=3).map(tuple),
    st.lists(BUTTONS, max_size=4).map(tuple),
    URLS,
)
SECTIONS = st.builds(Section, HOSTILE, st.lists(ROWS, max_size=20).map(tuple), st.sampled_from(Show), st.booleans())
OPTIONS = st.builds(Option, HOSTILE, st.sampled_from(["", "1f.2e.3d", "show 1 2", "x" * 76]))
PICKERS = st.builds(Picker, HOSTILE, VERBS, st.lists(OPTIONS, max_size=120).map(tuple))
CARDS = st.builds(
    Card,
    HOSTILE,
    HOSTILE,
    STATES,
    st.lists(LINES, max_size=2).map(tuple),
    st.lists(st.builds(Notice, LINES), max_size=4).map(tuple),
    st.lists(SECTIONS, max_size=4).map(tuple),
    st.lists(BUTTONS, max_size=30).map(tuple),
    st.lists(LINES, max_size=4).map(tuple),
    st.none() | BUTTONS,
    st.none(),
    st.none() | PICKERS,
)


@settings(max_examples=150)
@given(CARDS, HOSTILE)
def test_no_card_breaks_the_rules(card: Card, text: str) -> None:
    content = render_reply(Reply(text, card=card))
    assert slack_blocks.problems(content["blocks"]) == []
    assert validate.problems(content["blocks"]) == []
    assert 1 <= len(content["text"]) <= 3000
    view = render_home(card)
    assert slack_blocks.view_problems(view) == validate.view_problems(view) == []
    assert markup(content) == [content["text"]]
    assert not set("<>") & set(content["text"])


@settings(max_examples=50)
@given(st.lists(FIELDS, min_size=1, max_size=5), HOSTILE)
def test_no_form_breaks_the_rules(fields: list[Field], text: str) -> None:
    named = tuple(replace(field, name=f"f{n}") for n, field in enumerate(fields))
    view = render_modal(Form("new", "1f.2e", text, text, named), {"channel": "C1"})
    assert slack_blocks.view_problems(view, "modal") == validate.view_problems(view) == []


def markup(node: Any) -> list[str]:
    """Return all that Slack reads as mrkdwn in the content of a message."""
    if isinstance(node, list):
        return [piece for child in node for piece in markup(child)]
    if not isinstance(node, dict):
        return []
    own = [node["text"]] if node.get("type") == "mrkdwn" or "blocks" in node else []
    return own + [piece for child in node.values() for piece in markup(child)]


def texts(blocks: list[dict[str, Any]]) -> list[str]:
    """Return the texts of the blocks below the head."""
    kinds = ("section", "rich_text")
    return [text_of(Shown([{**block, "accessory": None}])) for block in blocks if block["type"] in kinds]


@dataclass
class Shown:
    """Blocks on the screen."""

    blocks: list[dict[str, Any]]

    def all_blocks(self) -> list[dict[str, Any]]:
        """Return the blocks."""
        return self.blocks


def test_layout() -> None:
    blocks = render_message(cards.card())["blocks"]
    assert [block["type"] for block in blocks] == [
        *("header", "rich_text", "rich_text"),  # title, state and ask, text
        *("rich_text", "rich_text", "section"),  # heading, a row, one with a link
        *("rich_text", "actions", "section"),  # a row with two buttons, one with a button
        *("actions", "context"),
    ]
    assert texts(blocks) == [
        "🔵 executing, 1 of 4 done · window 20:00 – 22:00",
        "Ship it",
        "Release items",
        "✅ 1 Approve plan · done · bob",
        "⏳ 2 Deploy api · running",
        "▫️ 3 Warm caches · later",
        "▫️ 4 Announce · later",
    ]
    [state] = blocks[1]["elements"]
    assert state["elements"][1] == {"type": "text", "text": "executing, 1 of 4 done", "style": {"bold": True}}
    assert text_of(Shown(blocks[-1:])) == "revision 2 · manager: Alice\nOpen since 20:00"


def test_what_will_run_stands_to_the_letter() -> None:
    sql = Excerpt(ExcerptKind.CODE, ("DELETE FROM `cart`;", "-- *all* <!channel>"), "+4 lines", "sql")
    body = (line("database ", Code("shop_main")), sql, Excerpt(ExcerptKind.QUOTE, ("Tell them",)))
    [block] = render_message(Card("t", "s", sections=(Section(rows=(Row("3 Clean", body=body),)),)))["blocks"][1:]
    assert block["elements"] == [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": "3 Clean", "style": {"bold": True}}]},
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "database "},
                {"type": "text", "text": "shop_main", "style": {"code": True}},
            ],
        },
        {
            "type": "rich_text_preformatted",
            "elements": [{"type": "text", "text": "DELETE FROM `cart`;\n-- *all* <!channel>"}],
        },
        {"type": "rich_text_section", "elements": [{"type": "text", "text": "+4 lines", "style": {"italic": True}}]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "Tell them"}]},
    ]


def test_notices_are_a_quotation() -> None:
    found = (Notice(line("3 Clean: ", Code("cart"), " is emptied")), Notice(line("+2 more risks")))
    [block] = render_message(Card("t", "s", notices=found))["blocks"][1:]
    assert [each["type"] for each in block["elements"]] == ["rich_text_quote"]
    assert text_of(Shown([block])) == "⚠️ 3 Clean: cart is emptied\n⚠️ +2 more risks"


def test_a_moment_is_shown_in_the_zone_of_each_reader() -> None:
    ask = (line("by ", Moment(datetime(2026, 11, 27, 19, 30, tzinfo=UTC), "2026-11-27 19:30 UTC")),)
    [block] = render_message(Card("t", "s", ask=ask))["blocks"][1:]
    assert block["elements"][0]["elements"][1] == {
        "type": "date", "timestamp": 1795807800, "format": "{date_short_pretty} {time}",
        "fallback": "2026-11-27 19:30 UTC",
    }  # fmt: skip


def test_rows_without_buttons_share_a_block() -> None:
    rows = tuple(Row(f"{n} Item", Weight.DONE, cards.DONE) for n in range(150))
    blocks = render_message(Card("t", "s", sections=(Section("Items", rows),)))["blocks"]
    assert len(blocks) < 10
    assert "149 Item" in texts(blocks)[-1]


def test_a_card_that_is_too_large_without_rows_keeps_its_first_lines_and_buttons() -> None:
    long = line(*("x" * 1000,) * 5)
    buttons = tuple(Button("approve", "Approve", f"r{n}", confirm="y" * 300) for n in range(25))
    rows = (Row("1 Deploy", body=(long,)),) * 3
    card = Card("t", "s", ask=(long, long), sections=(Section("Items", rows),), buttons=buttons)
    blocks = render_message(card)["blocks"]
    assert [block["type"] for block in blocks] == ["header", "rich_text", "actions", "context"]
    assert len(blocks[2]["elements"]) == 5
    assert blocks[3]["elements"][0]["text"] == "… +3"


def test_rows_beyond_the_room_are_counted_by_their_state() -> None:
    buttons = (Button("execute", "Run", "r"), Button("skip", "Skip", "s"))
    ready = tuple(Row(f"{n} Item", Weight.READY, State(word="ready"), buttons=buttons) for n in range(3000))
    approval = Section("Approval", (Row("QA", Weight.SAME, cards.DONE, line("bob")),))
    failed = Row("0 Smoke test", Weight.BAD, State(word="failed"), buttons=buttons)
    more = Button("open", "Open", url="https://a.b/")
    blocks = render_message(Card("t", "s", sections=(Section("Items", (*ready, failed)), approval), more=more))[
        "blocks"
    ]
    shown = [text for text in texts(blocks) if " Item" in text]
    counted = [block["elements"][0]["text"] for block in blocks if block["type"] == "context"]
    hidden = 3000 - sum(text.count(" Item") for text in shown)
    assert 0 < hidden < 3000
    assert counted == [f"+{hidden} ready", "+1 done"]
    assert any(text == "0 Smoke test · failed" for text in texts(blocks))
    assert blocks[-1]["elements"][0]["url"] == "https://a.b/"


def test_one_button_stands_beside_its_row_and_says_what_it_is_about() -> None:
    row = Row("7 Smoke test", buttons=(Button("execute", "Run", "r"),))
    block = render_message(Card("t", "s", sections=(Section(rows=(row,)),)))["blocks"][-1]
    assert (block["accessory"]["action_id"], block["accessory"]["value"]) == ("execute", "r")
    assert block["accessory"]["accessibility_label"] == "Run 7 Smoke test"


def test_a_button_carries_its_reference_and_nothing_else() -> None:
    [block] = render_message(Card("t", "s", buttons=(cards.REJECT,)))["blocks"][1:]
    [button] = block["elements"]
    assert button["value"] == cards.REJECT.ref
    assert "confirm" not in button


def test_rare_buttons_stand_in_a_menu() -> None:
    plain = [Button(verb, verb.title(), "ref-1") for verb in ("submit", "recheck", "replan", "diff", "log")]
    asks = Button("cancel", "Cancel", "ref-1", confirm="For good?")
    card = Card("t", "s", buttons=(*plain[:4], asks, plain[4]), more=Button("open", "Open", url="https://a.b/"))
    [block] = render_message(card)["blocks"][1:]
    *buttons, menu = block["elements"]
    assert [each["text"]["text"] for each in buttons] == ["Submit", "Recheck", "Replan", "Cancel…", "Open"]
    assert (menu["type"], [option["value"] for option in menu["options"]]) == ("overflow", ["diff ref-1", "log ref-1"])


def test_a_menu_of_one_is_a_button() -> None:
    buttons = tuple(Button(verb, verb.title(), "ref-1") for verb in ("submit", "recheck", "replan", "log"))
    [block] = render_message(Card("t", "s", buttons=buttons))["blocks"][1:]
    assert [each["type"] for each in block["elements"]] == ["button"] * 4


def test_a_picker_offers_as_much_as_a_menu_may_have() -> None:
    picker = Picker("Any item…", SAY, tuple(Option(f"{n} Item", f"show 1 {n}") for n in range(300)))
    [block] = render_message(Card("t", "s", picker=picker))["blocks"][1:]
    [menu] = block["elements"]
    assert (menu["type"], menu["action_id"], len(menu["options"])) == ("static_select", SAY, 100)
    assert slack_blocks.problems([block]) == []


def test_addresses_that_are_none_have_no_button() -> None:
    row = Row("Item", url="javascript:alert(1)")
    block = render_message(Card("t", "s", sections=(Section(rows=(row,)),)))["blocks"][-1]
    assert "accessory" not in block


LIVE = "*b* _i_ ~s~ `c` ```\n> q :tada: <!channel> <@U1> <https://evil.example|Approve> https://evil.example &amp;"


@settings(max_examples=60, deadline=None)
@given(HOSTILE)
def test_a_text_is_shown_to_the_letter(text: str) -> None:
    [block] = render_text(text)["blocks"]
    assert text_of(Shown([block])).removesuffix("…") in (clean(text) or "–")
    assert slack_blocks.problems([block]) == validate.problems([block]) == []


def test_of_urls_in_a_text_only_our_own_is_a_link() -> None:
    own = "https://fabu.example/sign-in/x"
    [block] = render_text(f"{LIVE} {own}", own)["blocks"]
    assert block["elements"][0]["elements"] == [{"type": "text", "text": f"{LIVE} "}, {"type": "link", "url": own}]
    [block] = render_text(own, own)["blocks"]
    assert block["elements"][0]["elements"] == [{"type": "link", "url": own}]
    [block] = render_text(LIVE)["blocks"]
    assert block["elements"][0]["elements"] == [{"type": "text", "text": LIVE}]


@pytest.mark.parametrize("limit", range(1, 12))
def test_no_entity_is_cut(limit: int) -> None:
    shown = escape("a<b>&c", limit)
    assert len(shown) <= limit
    left = shown.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "")
    assert "&" not in left


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("approve 7 fine &amp; &lt;good&gt; &amp;lt;", "approve 7 fine & <good> &lt;"),
        ("execute 1 <http://deploy.sh|deploy.sh>", "execute 1 deploy.sh"),
        (
            "see <https://a.example.com|a.example.com> or <https://b.example.com>",
            "see a.example.com or https://b.example.com",
        ),
        ("show <https://evil.example.com|deploy.sh>", "show https://evil.example.com"),
        ("show <https://a.example.com/x?a=1|a.example.com/x>", "show https://a.example.com/x?a=1"),
        ("delegate 7 <@U2|bob>", "delegate 7 @U2"),
        ("to <mailto:a@example.com|a@example.com> in <#C1|ops>", "to a@example.com in #ops"),
        ("ask <!subteam^S1|@sre> and <!here>", "ask @sre and @here"),
    ],
)
def test_typed(sent: str, meant: str) -> None:
    assert strip_markup(sent) == meant


def test_hidden_characters_are_dropped() -> None:
    assert clean("a\u202eb\x00c\r\nd\u2028e\ud800 👩‍💻 ") == "abc\nd\ne 👩‍💻"
