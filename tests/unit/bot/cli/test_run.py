"""`fabu run` as a process among others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TRY = """
import ctypes, bot.app, bot.cli
async def serve(settings):
    print(ctypes.CDLL(None).prctl(3))  # PR_GET_DUMPABLE
bot.app.serve = serve
bot.cli.app(["run"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl: Linux alone has it")
def test_other_processes_of_the_same_user_do_not_read_the_memory_of_the_server(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", TRY], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout == "0\n"


def test_a_setting_that_does_not_work_on_this_machine_is_refused_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "fabu.toml").write_text('[local]\nisolation = "user"\nuser = "root"\n')
    command = [sys.executable, "-c", "from bot.cli import main; main()", "run"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "local.user: root can read what the server can; name a user without rights." in ended.stderr
    assert "Traceback" not in ended.stderr
