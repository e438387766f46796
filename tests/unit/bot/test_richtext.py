"""What editors write, and what attackers write into editors."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.richtext import to_html, to_plain

ATTACKS = [
    "<p>x</p><script>alert(1)</script>",
    '<p onclick="alert(1)">x</p>',
    '<p>x<a href="javascript:alert(1)">y</a></p>',
    '<p>x<a href=" java\tscript:alert(1)">y</a></p>',
    '<p>x<a href="data:text/html,<script>alert(1)</script>">y</a></p>',
    "<p>x<img src=x onerror=alert(1)></p>",
    "<p>x<svg onload=alert(1)><p>",
    '<p>x<iframe src="https://evil.example"></iframe></p>',
    "<p>x<style>body{display:none}</style></p>",
    '<p style="background:url(javascript:alert(1))">x</p>',
    "<p>x<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></p>",
    '<p>x<form action="https://evil.example"><input name=password></form></p>',
    "<scr<p>ipt>alert(1)</script>",
    "[x](javascript:alert(1))",
]
HARMFUL = re.compile(
    r"<\s*(?:script|style|iframe|img|svg|form|input|object)|<[^>]+\son\w+\s*=|(?:href|src)=\"\s*(?:javascript|data):",
    re.I,
)


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_harmful_is_left_in_html(text: str) -> None:
    assert not HARMFUL.search(to_html(text))


@pytest.mark.parametrize("text", [text for text in ATTACKS if text.startswith("<p")])
def test_nothing_of_an_attack_is_read_on_a_card(text: str) -> None:
    plain = to_plain(text)
    assert plain.startswith("x")
    assert not re.search(r"alert|javascript|evil|display:", plain)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<p>one</p><p>two<br>three</p>", "one\ntwo\nthree"),
        ("<ul><li>one</li><li><b>two</b></li></ul>", "• one\n• two"),
        ('<p>see <a href="https://wiki.example/a?b=1&amp;c=2" target="_blank">the wiki</a>.</p>',
         "see the wiki (https://wiki.example/a?b=1&c=2)."),
        ('<p><a href="https://wiki.example">https://wiki.example</a></p>', "https://wiki.example"),
        ('<p><a href="mailto:qa@example.com">qa@example.com</a> <a name="x">here</a></p>', "qa@example.com here"),
        ("<p>1 &lt; 2 &amp;&amp; &quot;ok&quot;</p>", '1 < 2 && "ok"'),
        ("<p>发布&nbsp;内容</p><p><br></p><p>完</p>", "发布\xa0内容\n完"),
        ("# Heading\n\n- one `x < y`\n", "# Heading\n\n- one `x < y`"),
        ("a < b and c > d", "a < b and c > d"),
        ("<p><br></p>", ""),
    ],
)  # fmt: skip
def test_what_an_editor_writes_is_read_as_text(written: str, read: str) -> None:
    assert to_plain(written) == read


def test_pages_show_what_the_editor_meant() -> None:
    assert to_html("<h2>Plan</h2><p><b>bold</b></p>") == "<h2>Plan</h2><p><b>bold</b></p>"
    link = '<p><a href="https://wiki.example" rel="noopener noreferrer nofollow">w</a></p>'
    assert to_html('<p><a href="https://wiki.example" onclick="x()">w</a></p>') == link
    assert to_html("- **one**\n- <b>two</b>") != "", "HTML in Markdown counts as HTML"
    assert to_html("**one** <x>") == "<p><strong>one</strong> &lt;x&gt;</p>\n"


@given(st.text(alphabet=st.sampled_from("<>/=\"' apbrscriptonclickhref:&;#\n*[]()"), max_size=80))
def test_no_text_becomes_harmful(text: str) -> None:
    assert not HARMFUL.search(to_html(text))
    assert "\n\n\n" not in to_plain(f"<p>{text}</p>")
