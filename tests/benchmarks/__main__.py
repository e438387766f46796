"""Measures and prints a table of ratios: `python -m tests.benchmarks [--quick] [--write FOLDER] [SUITE ...]`.

Only the ratios mean something: both sides of each are measured in turns, on the same core. A target that is missed is
no error; a server that fails is.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.benchmarks import chats, clicks, hooks, scale, start
from tests.benchmarks.comparing import Row
from tests.benchmarks.report import write

SUITES: dict[str, Callable[..., Awaitable[list[Row]]]] = {
    "clicks": clicks.run,
    "chats": chats.run,
    "scale": scale.run,
    "start": start.run,
    "hooks": hooks.run,
}


async def main(names: list[str], folder: Path | None, *, quick: bool) -> None:
    """Run suites, one after the other, and write what they found into a folder."""
    print(f"{'':<52} {'value':>7}  target")
    rows: list[Row] = []
    for name in names:
        rows += (found := await SUITES[name](quick=quick))
        for row in found:
            print(f"{row.name:<52} {row.value:7.2f}  {row.target:<8} {row.note}", flush=True)
    if folder:
        write(rows, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure Fabu beside its peers.")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="less of everything, within two minutes")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write a table and a plot there")
    asked = parser.parse_args()
    asyncio.run(main(asked.suites or list(SUITES), asked.write, quick=asked.quick))
