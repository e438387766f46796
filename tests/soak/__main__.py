"""Fabu under load while things go wrong, as long as one likes: `python -m tests.soak [--minutes M] [--seed S]`.

It prints a report for each round, and ends at the first that has a problem, with the seed that repeats it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.scenario.mounts import mounted
from tests.services import fresh_postgres, require_faketime
from tests.soak.run import Ground, Report, soak

MEGABYTES = 200


def run(kind: str, seconds: float, seed: int) -> Report:
    """Run one round on SQLite, on a small disk of its own, or on PostgreSQL."""
    with ExitStack() as stack:
        folder, disk, database = Path(stack.enter_context(tempfile.TemporaryDirectory())), None, ""
        if kind == "postgresql":
            database = stack.enter_context(fresh_postgres())
        else:
            disk = stack.enter_context(mounted(folder / "disk", MEGABYTES))
            folder = disk.folder
        return asyncio.run(soak(Ground(folder, database, disk, require_faketime()), seconds, seed))


def repeat(run: Callable[[int], Report], minutes: float, seed: int) -> Report:
    """Run soaks, each with the next seed, until the time is over or one has a problem; return the last report."""
    deadline = time.monotonic() + minutes * 60
    while True:
        report = run(seed)
        sys.stdout.write(f"{report}\n")
        sys.stdout.flush()
        if report.problems or time.monotonic() >= deadline:
            return report
        seed += 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long, at least; 10 by default")
    parser.add_argument("--round", type=float, default=60, help="seconds of one round; 60 by default")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the seed of the first round")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="postgresql")
    asked = parser.parse_args()
    report = repeat(lambda seed: run(asked.store, asked.round, seed), asked.minutes, asked.seed)
    sys.exit(bool(report.problems))
