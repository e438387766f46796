"""What must hold after a soak: nothing that was acknowledged is lost, and nothing is done twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.simulators.receiver import Hook
from tests.soak.crowd import Crowd, Release
from tests.soak.fleet import Fleet, Use

EVENTS = ("created", "submitted", "voted", "run_requested", "item_done")
"""The events of the commands that the crowd gives."""
HOOKS = ("finish_planning", "start_execute", "all_job_done")
_TIMESTAMP = "Message timestamp"
"""What a receiver says of a hook whose sender's clock was set; it is sent again with another time."""
_GROWTH = 1.35
"""How much more memory a server may have after a soak than at its beginning."""
_FILES = 12
"""How many more files it may have open."""


async def judge_log(crowd: Crowd) -> list[str]:
    """Return where the log of a plan has other commands than were acknowledged."""
    return [problem for release in crowd.releases for problem in await _judge_release(crowd, release)]


async def _judge_release(crowd: Crowd, release: Release) -> list[str]:
    plan = await crowd.ask("alice", "GET", f"/plans/{release.number}")
    log = await crowd.ask("alice", "GET", f"/plans/{release.number}/log?limit=1000")
    counts = Counter(entry["event"] for entry in log["items"])
    problems = [
        f"#{release.number}: {counts[event]} {event} in the log, {release.accepted[event]} acknowledged"
        for event in EVENTS
        if counts[event] != release.accepted[event]
    ]
    if plan["status"] != "success":
        problems.append(f"#{release.number}: it is {plan['status']}")
    return problems


def judge_starts(starts: Path) -> list[str]:
    """Return which attempts of scripts began more than once."""
    lines = Counter(starts.read_text().splitlines())
    return [f"plan, item and attempt {line}: started {count} times" for line, count in lines.items() if count > 1]


def judge_hooks(hooks: Sequence[Hook], numbers: Sequence[int]) -> Iterator[str]:
    """Yield which hooks are missing, came as different messages, or were wrong."""
    found: dict[tuple[int, str], set[tuple[str, bytes]]] = defaultdict(set)
    for hook in hooks:
        found[hook.plan["index"], hook.plan["event_name"]].add((hook.id, hook.raw))
    problems = (problem for hook in hooks for problem in hook.problems if _TIMESTAMP not in problem)
    yield from dict.fromkeys(f"hook: {problem}" for problem in problems)
    for number in numbers:
        for event in HOOKS:
            if (count := len(found[number, event])) != 1:
                yield f"#{number}: {count} different hooks of {event}"


def judge_use(before: Sequence[Use], after: Sequence[Use]) -> Iterator[str]:
    """Yield which servers have grown."""
    memory, files = max(use.memory for use in before), max(use.files for use in before)
    for use in after:
        if use.memory > memory * _GROWTH:
            yield f"memory: {use.memory:.0f} MB, {memory:.0f} at the beginning"
        if use.files > files + _FILES:
            yield f"files: {use.files} open, {files} at the beginning"


def judge_logs(fleet: Fleet) -> Iterator[str]:
    """Yield what the servers have logged that nobody foresaw, and the exits that were not clean."""
    for replica in fleet.replicas:
        yield from (f"{replica.name}: Traceback{trace[:2000]}" for trace in replica.traces)
        yield from (f"{replica.name}: exit code {code}" for code in replica.unclean)
