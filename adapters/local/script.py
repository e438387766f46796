"""Runs one bash script in a session of its own, and passes on its output."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any, TypeVar

from adapters.local.isolation.base import Isolation
from adapters.local.isolation.choose import BASH
from adapters.local.sessions import ProcessId, end_session

T = TypeVar("T")

_COMMAND = 'read -r && exec "$BASH" --noprofile --norc -e "$0" </dev/null'
"""Waits for a line on stdin, then runs the script. Fabu sends the line when it has saved the id of the process."""

_CHUNK = 1 << 16
_DRAIN = 1.0
"""Seconds to read on after the end of the session, since a process that has left it may keep the pipe open."""


async def run_script(
    script: Path,
    *,
    folder: Path,
    variables: Mapping[str, str],
    grace: float,
    on_start: Callable[[ProcessId | None], None],
    write: Callable[[bytes], None],
    isolation: Isolation,
) -> int:
    """Run a script with `bash -e` in `folder`, stdin empty, stdout and stderr together, and return its exit code.

    `on_start` is called with the process before the first line of the script runs. At the end of the script, also by
    cancellation, its session is ended: SIGTERM, `grace` seconds, SIGKILL. A process that must outlive the script has to
    start a session of its own (setsid), which an `isolation` that supervises does not let it do.

    Raises:
        OSError: bash could not be started, or the output could not be written.
    """
    isolation.lend(script, folder)
    source, sink = os.pipe()
    copying = asyncio.create_task(_copy(source, write))
    try:
        started = await _start(_spawn(script, folder, variables, sink, isolation), grace)
        try:
            on_start(started.inner or ProcessId.of(started.process.pid))
            _open_gate(started.process)
            code = await started.process.wait()
        finally:
            await _uninterrupted(_end(started, grace))
    finally:
        await asyncio.wait({copying}, timeout=_DRAIN)
        if not copying.cancel():
            copying.result()
    return code


@dataclass(frozen=True, slots=True)
class _Started:
    """A process that was started; under an isolation that supervises, `inner` is the first process of the script."""

    process: Process
    inner: ProcessId | None


async def _start(spawning: Coroutine[Any, Any, _Started], grace: float) -> _Started:
    """Start a process as a whole: when cancelled meanwhile, end the process once it is there.

    A start that is interrupted leaves a process that nothing ends, and of which nothing is known.
    """
    task = asyncio.ensure_future(spawning)
    try:
        return await _uninterrupted(task)
    except asyncio.CancelledError:
        if not task.exception():
            await _uninterrupted(_end(task.result(), grace))
        raise


async def _end(started: _Started, grace: float) -> None:
    """End all processes of a script, and collect the exit code: the process stays as a zombie otherwise.

    With the first process in a view of its own, the kernel ends all others there. It may have no session yet.
    """
    process, inner = started.process, started.inner
    if inner is None:
        await end_session(process.pid, grace)
    elif process.returncode is None:
        await end_session(inner.pid, grace)
        if inner.alive:
            with suppress(ProcessLookupError):
                os.kill(inner.pid, SIGKILL)
    await process.wait()


async def _uninterrupted(work: Awaitable[T]) -> T:
    """Finish work, and only then raise the cancellation that came meanwhile: a time limit and a stop may both come."""
    task, cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    return task.result()


async def _spawn(script: Path, folder: Path, variables: Mapping[str, str], sink: int, isolation: Isolation) -> _Started:
    """Start the process; `sink` is closed in this process, so that the pipe ends with its last writer."""
    report, info = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *isolation.words(script, folder, info),
            *(BASH, "-c", _COMMAND, script),
            cwd=folder,
            env=_environment(variables, isolation),
            stdin=PIPE,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            pass_fds=(info,) if isolation.supervises else (),
            **isolation.options,
        )
    except BaseException:
        os.close(report)
        raise
    finally:
        os.close(sink)
        os.close(info)
    return _Started(process, await asyncio.to_thread(_read_inner, report))


def _read_inner(report: int) -> ProcessId | None:
    """Return the process that a supervising process reports; None when it could not start it, or when there is none."""
    with os.fdopen(report) as file:
        text = file.read()
    return ProcessId.of(json.loads(text)["child-pid"]) if text else None


def _environment(variables: Mapping[str, str], isolation: Isolation) -> dict[str, str]:
    """Return three basic variables, and the script's own: the script must not inherit secrets of the server."""
    basic = {"PATH": os.defpath, "LANG": "C.UTF-8"}
    own = {"HOME": str(isolation.home), **variables}
    return {name: os.environ.get(name, default) for name, default in basic.items()} | own


def _open_gate(process: Process) -> None:
    assert process.stdin is not None  # noqa: S101 - it was started with a pipe
    process.stdin.write(b"\n")
    process.stdin.close()


async def _copy(source: int, write: Callable[[bytes], None]) -> None:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(source, "rb", 0)
    )
    try:
        while chunk := await reader.read(_CHUNK):
            write(chunk)
    finally:
        transport.close()
