"""Writes what was measured: a table in Markdown, and a plot of it, with the machine named."""

from __future__ import annotations

import html
import os
import platform
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import isnan, log10
from pathlib import Path

from tests.benchmarks.comparing import Row

TABLE, PLOT = "benchmarks.md", "benchmarks.svg"
_HEIGHT, _LABELS, _BARS = 22, 430, 360
"""Of a line of the plot in pixels: its height, the width of its name, and that of its bar."""
_DECADES = 1.0
"""How many powers of ten the plot shows to each side of the target."""


def write(rows: Sequence[Row], folder: Path) -> None:
    """Write the table and the plot into a folder."""
    (folder / TABLE).write_text("\n".join(_table(rows)) + "\n", encoding="utf-8")
    (folder / PLOT).write_text("\n".join(_plot(rows)) + "\n", encoding="utf-8")


def share(row: Row) -> float | None:
    """Return how good a value is: 1 at its target, 2 where it is twice as good; None where nothing was measured."""
    found = re.fullmatch(r"([<>])=? *([\d.]+)", row.target)
    if found is None or isnan(row.value) or row.value <= 0:
        return None
    target = float(found[2])
    return row.value / target if found[1] == ">" else target / row.value


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "# Measurements"
    yield ""
    yield f"`make bench` wrote this on {datetime.now(UTC):%Y-%m-%d}: {_machine()}. Both sides of a ratio"
    yield "are measured in turns in one run, the server on one core and the load on another; the values are medians."
    yield "Only the ratios mean something elsewhere."
    yield ""
    yield f"![Each value as a share of its target]({PLOT})"
    yield ""
    yield "| what | value | target | measured |"
    yield "|---|---|---|---|"
    for row in rows:
        yield f"| {row.name} | {row.value:.2f} | {row.target} | {row.note} |"


def _machine() -> str:
    """Return the processor, the number of cores, the system and the version of Python."""
    model = "an unknown processor"
    cpus = Path("/proc/cpuinfo")
    if cpus.exists() and (found := re.search(r"^model name\s*:\s*(.+)$", cpus.read_text(), re.MULTILINE)):
        model = found[1]
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def _plot(rows: Sequence[Row]) -> Iterator[str]:
    """Yield an SVG with a bar for each row: to the right of the line in the middle it is better than its target."""
    shown = [(row, found) for row in rows if (found := share(row)) is not None]
    width, height = _LABELS + _BARS + 70, _HEIGHT * (len(shown) + 1)
    middle = _LABELS + _BARS / 2
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12" role="img">'
    )
    yield "<title>Each value as a share of its target, on a logarithmic scale</title>"
    yield f'<rect width="{width}" height="{height}" fill="#fff"/>'
    for number, (row, found) in enumerate(shown):
        y = number * _HEIGHT
        length = max(-1.0, min(1.0, log10(found) / _DECADES)) * _BARS / 2
        colour = "#2da44e" if found >= 1 else "#cf222e"
        yield f'<text x="{_LABELS - 8}" y="{y + 15}" text-anchor="end">{html.escape(row.name)}</text>'
        yield (
            f'<rect x="{min(middle, middle + length):.1f}" y="{y + 4}" width="{abs(length):.1f}" '
            f'height="{_HEIGHT - 8}" fill="{colour}"/>'
        )
        yield f'<text x="{_LABELS + _BARS + 8}" y="{y + 15}">{found:.2f}</text>'
    yield f'<line x1="{middle}" x2="{middle}" y1="0" y2="{height - _HEIGHT}" stroke="#57606a"/>'
    yield f'<text x="{middle}" y="{height - 6}" text-anchor="middle">the target; to the right is better</text>'
    yield "</svg>"
