"""The pages of the documentation: their blocks, code spans and tables."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")))
}
"""The text of each page, by its path."""
TEXT = "\n".join(PAGES.values())


def find_blocks(language: str, text: str = TEXT) -> list[str]:
    """Return the contents of the code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def find_spans(text: str = TEXT) -> list[str]:
    """Return the code spans."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def find_rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    part = PAGES[page].partition(f"\n{heading}\n")[2]
    part = re.split(r"^#", part, maxsplit=1, flags=re.M)[0]
    rows = re.findall(r"^\| (.*) \|$", part, re.M)
    assert len(rows) > 1, f"{page} has no table below {heading}"
    return [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row)] for row in rows[1:]]


def anchors_of(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    titles = re.findall(r"^#+ (.*)", text, re.M)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}
