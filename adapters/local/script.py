"""Runs one bash script in a session of its own, and passes on its output."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from adapters.local.sessions import ProcessId, end_session

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
        process = await _spawn(script, folder, variables, sink)
        try:
            on_start(ProcessId.of(process.pid))
            _open_gate(process)
            code = await process.wait()
        finally:
            await end_session(process.pid, grace)
            with suppress(TimeoutError):  # collect it also when it never began: nobody else waits for it
                await asyncio.wait_for(process.wait(), _DRAIN)
    finally:
        await asyncio.wait({copying}, timeout=_DRAIN)
        if not copying.cancel():
            copying.result()
    return code


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
