"""Runs the benchmarks and prints their ratios: `python -m tests.benchmarks [--quick]`."""

from __future__ import annotations

import asyncio
import sys

from tests.benchmarks import clicks, hooks


async def main(*, quick: bool) -> None:
    """Run all suites, one after the other."""
    for suite in (clicks, hooks):
        for name, ratio, note in await suite.run(quick):
            print(f"{name:<52} {ratio:6.2f}   {note}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(quick="--quick" in sys.argv[1:]))
