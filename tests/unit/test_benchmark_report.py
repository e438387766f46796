"""The table and the plot of measurements."""

from __future__ import annotations

from math import nan
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.benchmarks.comparing import Row
from tests.benchmarks.report import PLOT, TABLE, share, write


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [(8, ">= 4", 2), (2, ">= 4", 0.5), (0.25, "< 0.5", 2), (90, "<= 45", 0.5), (nan, ">= 1", None), (1, "", None)],
)
def test_a_value_is_a_share_of_its_target(value: float, target: str, expected: float | None) -> None:
    assert share(Row("x", value, target)) == expected


def test_what_was_measured_stands_in_a_table_and_a_plot(tmp_path: Path) -> None:
    rows = [Row("click <fast>", 4.5, ">= 4", "900/s; 200/s"), Row("memory", 93, "< 85"), Row("left out", nan, ">= 1")]
    write(rows, tmp_path)
    table = (tmp_path / TABLE).read_text()
    assert "| click <fast> | 4.50 | >= 4 | 900/s; 200/s |" in table
    assert "cores" in table
    drawn = ElementTree.fromstring((tmp_path / PLOT).read_text())  # noqa: S314 - our own
    texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["click <fast>", "1.12", "memory", "0.91", "the target; to the right is better"]
