"""Draws docs/images/card.png: `python -m tests.card_picture`.

It needs chromium and chromedriver, as the tests of the console do, and fonts with Chinese and emoji, such as Debian's
fonts-wqy-zenhei and fonts-noto-color-emoji.

It plays the demonstration until an item has failed, renders the card of `show 1` as Slack's adapter sends it, and draws
these blocks as Slack shows them, about: no server of Slack is asked.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from html import escape
from io import StringIO
from itertools import takewhile
from pathlib import Path
from typing import Any

from rich.console import Console
from selenium import webdriver
from selenium.webdriver.common.by import By

from adapters.slack.render import render_message
from bot.app import run_app
from bot.cli.demo import FIRST_ACT, SECOND_ACT, Show, settings_for
from bot.services import SERVICES
from core.card import Card
from core.chat import Inbound
from tests.browser.test_console import FLAGS

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "card.png"
STYLE = """
body { margin: 0; background: #fff; color: #1d1c1d;
  font: 15px/1.46 "DejaVu Sans", "WenQuanYi Zen Hei", "Noto Color Emoji", sans-serif; }
#card { display: flex; gap: 8px; width: 640px; padding: 12px 16px; }
.app { width: 36px; height: 36px; border-radius: 8px; background: #1f2937; color: #fff; font: bold 18px/36px sans-serif;
  text-align: center; flex: none; }
.body { flex: 1; min-width: 0; }
.who small { font-size: 11px; background: #e8e8e8; border-radius: 3px; padding: 1px 4px; color: #616061; }
h1 { font-size: 18px; margin: 4px 0; }
.block { margin: 6px 0; white-space: pre-wrap; }
.section { display: flex; gap: 12px; justify-content: space-between; align-items: flex-start; }
.note { font-size: 12.5px; color: #616061; }
pre, code { background: #f8f8f8; border: 1px solid #ddd; border-radius: 4px; font-size: 12px; }
pre { padding: 6px 8px; margin: 4px 0; }
blockquote { border-left: 4px solid #ddd; margin: 4px 0; padding-left: 10px; }
code { color: #c01343; padding: 0 3px; }
.box { border: 1px solid #ddd; border-radius: 10px; padding: 6px 12px; }
.task { display: flex; gap: 8px; font-size: 14px; }
.icon { width: 15px; height: 15px; border-radius: 50%; margin-top: 3px; background: #bbb; color: #fff;
  font: bold 10px/15px sans-serif; text-align: center; }
.icon.in_progress { background: #1264a3; } .icon.complete { background: #007a5a; } .icon.error { background: #e01e5a; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0; }
.button { border: 1px solid #bbb; border-radius: 8px; padding: 0 12px; white-space: nowrap; }
.primary { background: #007a5a; color: #fff; border-color: #007a5a; }
.danger { background: #e01e5a; color: #fff; border-color: #e01e5a; }
"""

Json = dict[str, Any]


async def play(folder: Path) -> Card:
    """Return the card of the demonstration's plan after its script has failed."""
    acts = takewhile(lambda scene: not scene.text.startswith("retry"), SECOND_ACT)
    async with run_app(settings_for(folder, 1, "en")) as app:
        show = Show(app[SERVICES], Console(file=StringIO()))
        await show.draft()
        await show.play(FIRST_ACT)
        await show.add_missing_part()
        await show.play(tuple(acts))
        reply = await app[SERVICES].chat(Inbound("cli", "alice", "picture", "show 1"))
    assert reply.card is not None
    return reply.card


def draw_block(block: Json) -> str:
    """Return the HTML of one of the blocks that `adapters.slack.components` makes."""
    match block["type"]:
        case "header":
            return f"<h1>{escape(block['text']['text'])}</h1>"
        case "rich_text":
            return f"<div class=block>{''.join(map(draw_element, block['elements']))}</div>"
        case "section":
            button = draw_button(block["accessory"]) if "accessory" in block else ""
            return f"<div class='block section'><span>{escape(block['text']['text'])}</span>{button}</div>"
        case "context":
            return f"<div class='block note'>{escape(' '.join(part['text'] for part in block['elements']))}</div>"
        case "actions":
            return f"<div class=actions>{''.join(map(draw_button, block['elements']))}</div>"
        case "container":
            return f"<div class='block box'><b>{escape(block['title']['text'])}</b> ⌄</div>"
        case "plan":
            tasks = "".join(map(draw_task, block["tasks"]))
            return f"<div class='block box'><b>{escape(block['title'])}</b> ⌃{tasks}</div>"
        case "divider":
            return "<hr>"
        case other:
            raise ValueError(other)


def draw_task(task: Json) -> str:
    """Return the HTML of a task of a plan."""
    icon = {"pending": "", "in_progress": "⋯", "complete": "✓", "error": "✕"}[task["status"]]
    return f"<div class=task><span class='icon {task['status']}'>{icon}</span>{escape(task['title'])}</div>"


def draw_element(element: Json) -> str:
    """Return the HTML of an element of a rich text: a section, a quote, lines to the letter or a list."""
    parts = element["elements"]
    match element["type"]:
        case "rich_text_section":
            return f"<div>{''.join(map(draw_part, parts))}</div>"
        case "rich_text_quote":
            return f"<blockquote>{''.join(map(draw_part, parts))}</blockquote>"
        case "rich_text_preformatted":
            return f"<pre>{''.join(map(draw_part, parts))}</pre>"
        case "rich_text_list":
            return f"<ul>{''.join(f'<li>{draw_element(part)}</li>' for part in parts)}</ul>"
        case other:
            raise ValueError(other)


def draw_part(part: Json) -> str:
    """Return the HTML of a part of a rich text."""
    text, style = escape(part.get("text") or part.get("fallback") or part["url"]), part.get("style", {})
    for name, tag in (("bold", "b"), ("code", "code"), ("strike", "s"), ("italic", "i")):
        text = f"<{tag}>{text}</{tag}>" if style.get(name) else text
    return text


def draw_button(button: Json) -> str:
    """Return the HTML of a button."""
    return f"<span class='button {button.get('style', '')}'>{escape(button['text']['text'])}</span>"


def shoot(body: str) -> None:
    """Let a browser draw the HTML of a card into `PICTURE`."""
    page = (
        f"<meta charset=utf-8><style>{STYLE}</style><div id=card><div class=app>F</div><div class=body>"
        f"<div class=who><b>Fabu</b> <small>APP</small></div>{body}</div></div>"
    )
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not chromedriver:
        sys.exit("install chromium and chromedriver first")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        file.write(page)
        file.flush()
        driver = webdriver.Chrome(options, webdriver.ChromeService(chromedriver))
        try:
            driver.get(f"file://{file.name}")
            driver.find_element(By.ID, "card").screenshot(str(PICTURE))
        finally:
            driver.quit()


def main() -> None:
    """Draw the picture."""
    with tempfile.TemporaryDirectory() as folder:
        card = asyncio.run(play(Path(folder)))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    shoot("".join(map(draw_block, render_message(card)["blocks"])))


if __name__ == "__main__":
    main()
