"""A running Fabu in a process of its own, and the command line that talks to it."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from bot.cli import main
from core.people import TokenScope
from tests.waiting import PATIENCE

FABU = Path(sys.executable).parent / "fabu"
SETTINGS = """
[server]
port = 0
timezone = "UTC"
language = "en"
[auth]
admins = ["alice"]
[approval]
required = "none"
[[approval.policies]]
name = "risky"
reason = "is risky"
when = {labels = ["risky"], job_types = ["freestyle"]}
stages = [{name = "Second look", approvers = ["erin"]}]
executors = ["bob"]
max_window = "4h"
[[people]]
id = "alice"
name = "Alice"
[[people]]
id = "bob"
name = "鲍勃"
[[people]]
id = "erin"
[[people]]
id = "dora"
active = false
"""
BY_BOB = "approval: {stages: [{name: QA, approvers: [bob]}]}"
"""The approval of plans with scripts: they need one where there is no bubblewrap."""


@dataclass(slots=True)
class Terminal:
    """Runs commands in a folder."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def fabu(self, *args: str, text: str = "", code: int = 0, **env: str) -> str:
        """Run a command as the entry point does, expect its exit code, and return what it printed, errors last."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in (self.env | env).items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["fabu", *args])
            patch.setattr(sys, "stdin", io.StringIO(text))
            with pytest.raises(SystemExit) as ended:
                main()
        printed = out.getvalue() + err.getvalue()
        assert (ended.value.code or 0) == code, printed
        return printed

    def process(self, *args: str, **env: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [FABU, *args], cwd=self.folder, env=os.environ | self.env | env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def answering(self, answer: str, *args: str) -> tuple[int, str]:
        """Run a command at a terminal where a person types an answer; return its exit code and what it printed."""
        ours, its = pty.openpty()
        process = subprocess.Popen(
            [FABU, *args], cwd=self.folder, env=os.environ | self.env, stdin=its, stdout=its, stderr=its
        )
        os.close(its)
        os.write(ours, answer.encode())
        printed = b""
        with suppress(OSError), os.fdopen(ours, "rb", buffering=0) as screen:  # Linux reports the end as an error
            while part := screen.read(4096):
                printed += part
        return process.wait(PATIENCE), printed.decode()

    def acting_as(self, person: str) -> Terminal:
        """Return the terminal of a person with a token."""
        lines = self.fabu("token", "create", "--as", person, "--scope", ",".join(TokenScope)).splitlines()
        return Terminal(self.folder, {**self.env, "FABU_TOKEN": lines[0]})

    def plan(self, **parts: str) -> str:
        """Start a plan from a file with the given parts and return its number."""
        file = self.folder / f"{uuid4().hex}.yaml"
        file.write_text("\n".join(parts.values()), encoding="utf-8")
        match = re.match(r"#(\d+) ", self.fabu("plan", "apply", str(file)))
        assert match
        return match[1]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in a folder with settings, and no server."""
    (tmp_path / "fabu.toml").write_text(SETTINGS, encoding="utf-8")
    return Terminal(tmp_path)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal on the machine of a running server."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "fabu.toml").write_text(SETTINGS, encoding="utf-8")
    process = Terminal(folder).process("run")
    assert process.stderr
    url = next((match[1] for line in process.stderr if (match := re.search(r"listens at (\S+)", line))), "")
    assert url
    try:
        yield Terminal(folder, {"FABU_URL": url})
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


@pytest.fixture(scope="package")
def alice(server: Terminal) -> Terminal:
    """The terminal of an administrator."""
    return server.acting_as("alice")


@pytest.fixture(scope="package")
def bob(server: Terminal) -> Terminal:
    """The terminal of an approver."""
    return server.acting_as("bob")
