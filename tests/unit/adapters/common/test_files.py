"""Files and folders with secrets, whatever the umask is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.common.files import check_private, make_private_file, make_private_folder, open_private
from tests.adapters import wrong


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_is_made_is_for_the_owner_alone(tmp_path: Path) -> None:
    made = tmp_path / "data" / "fabu.db"
    make_private_file(made)
    assert (mode(made), mode(made.parent)) == (0o600, 0o700)
    deep = tmp_path / "srv" / "fabu" / "data"
    make_private_folder(deep)
    assert [mode(each) for each in (deep, *deep.parents[:2])] == [0o700, 0o755, 0o755]
    with open(tmp_path / "lock", "w", opener=open_private):
        assert mode(tmp_path / "lock") == 0o600


def test_what_exists_stays(tmp_path: Path) -> None:
    made = tmp_path / "fabu.db"
    made.write_text("data")
    made.chmod(0o640)
    make_private_file(made)
    assert (made.read_text(), mode(made)) == ("data", 0o640)


def test_what_others_can_read_is_found_with_the_cure(tmp_path: Path) -> None:
    file, folder = tmp_path / "fabu.db", tmp_path / "runs"
    file.touch(0o600)
    folder.mkdir(0o700)
    assert check_private([file, folder, tmp_path / "none"]) == []
    file.chmod(0o640)
    folder.chmod(0o701)
    found = check_private([file, folder])
    assert wrong(found) == [f"{file} has the permissions 0640", f"{folder} has the permissions 0701"]
    assert [finding.cure.rpartition(": ")[2] for finding in found] == [f"chmod 600 {file}", f"chmod 700 {folder}"]
