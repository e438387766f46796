"""Runs one bash script in a session of its own, and passes on its output."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from adapters.local.sessions import ProcessId, end_session

T = TypeVar("T")

_BASH = shutil.which("bash") or "/bin/bash"

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
) -> int:
    """Run a script with `bash -e` in `folder`, stdin empty, stdout and stderr together, and return its exit code.

    `on_start` is called with the process before the first line of the script runs. At the end of the script, also by
    cancellation, its session is ended: SIGTERM, `grace` seconds, SIGKILL. A process that must outlive the script has to
    start a session of its own (setsid).

    Raises:
        OSError: bash could not be started, or the output could not be written.
    """
    source, sink = os.pipe()
    copying = asyncio.create_task(_copy(source, write))
    try:
        process = await _start(_spawn(script, folder, variables, sink), grace)
        try:
            on_start(ProcessId.of(process.pid))
            _open_gate(process)
            code = await process.wait()
        finally:
            await _uninterrupted(_end(process, grace))
    finally:
        await asyncio.wait({copying}, timeout=_DRAIN)
        if not copying.cancel():
            copying.result()
    return code


async def _start(spawning: Coroutine[Any, Any, Process], grace: float) -> Process:
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


async def _end(process: Process, grace: float) -> None:
    """End the session of a process, and collect its exit code: the process stays as a zombie otherwise."""
    await end_session(process.pid, grace)
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


async def _spawn(script: Path, folder: Path, variables: Mapping[str, str], sink: int) -> Process:
    """Start the process; `sink` is closed in this process, so that the pipe ends with its last writer."""
    try:
        return await asyncio.create_subprocess_exec(
            *(_BASH, "-c", _COMMAND, script),
            cwd=folder,
            env=_environment(variables),
            stdin=PIPE,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    finally:
        os.close(sink)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return three basic variables of the server, and the script's own: the script must not inherit secrets."""
    basic = {"PATH": os.defpath, "HOME": "/", "LANG": "C.UTF-8"}
    return {name: os.environ.get(name, default) for name, default in basic.items()} | dict(variables)


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
