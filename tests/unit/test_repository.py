"""The promises that the repository makes by its files alone."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.services import fresh_database, leave_out

ROOT = Path(__file__).parents[2]
LOCKS = ("config/requirements.txt", "config/requirements-dev.txt")
FOLDERS = {".ci", "adapters", "bot", "config", "core", "docs", "tests"}
FILES = {
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "pyproject.toml",
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def project() -> dict[str, list[str]]:
    """Requirements by lock file."""
    table = tomllib.loads(read("pyproject.toml"))["project"]
    runtime: list[str] = table["dependencies"]
    return {LOCKS[0]: runtime, LOCKS[1]: runtime + table["optional-dependencies"]["dev"]}


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", read(lock), flags=re.MULTILINE))


def test_top_level_is_fixed() -> None:
    command = ["git", "-c", "safe.directory=*", "ls-files"]  # of this tree, whoever owns it
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        leave_out("git", "these files are not in a clone")
    assert {line.partition("/")[0] for line in listing.stdout.splitlines()} <= FOLDERS | FILES


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_index_and_no_path(lock: str) -> None:
    assert re.findall(r"://|(?<![\w.])/\w+|--(?!hash=sha256:)\S+", read(lock)) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_a_hash_for_every_package(lock: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", read(lock))[1:]
    assert entries
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_what_the_project_asks_for(lock: str) -> None:
    locked = pins(lock)
    for requirement in map(Requirement, project()[lock]):
        assert str(requirement.specifier) == f"=={locked.get(canonicalize_name(requirement.name))}", requirement.name


def test_locks_agree() -> None:
    assert pins(LOCKS[0]).items() <= pins(LOCKS[1]).items()


@pytest.mark.parametrize("target", ["setup", "demo", "run", "test", "check", "bench", "lock", "clean", "help"])
def test_make_has_target(target: str) -> None:
    assert re.search(rf"^{target}:.*## \S", read("Makefile"), flags=re.MULTILINE)


@pytest.mark.parametrize("command", ["make check", "make test"])
def test_ci_runs_what_the_readme_names(command: str) -> None:
    assert command in read("README.md")
    assert command in read(".ci/run").splitlines()


def test_ci_script_is_valid_and_executable() -> None:
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    subprocess.run(["bash", "-n", ".ci/run"], cwd=ROOT, check=True)


def test_missing_service_is_left_out_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FABU_TEST_STRICT", raising=False)
    closed = fresh_database("PostgreSQL", "postgresql+psycopg://bob:hunter2@127.0.0.1:1/test")
    with pytest.raises(pytest.skip.Exception, match="PostgreSQL: not usable at ") as caught, closed:
        pass
    assert "hunter2" not in str(caught.value)


def test_missing_service_fails_a_strict_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABU_TEST_STRICT", "1")
    with pytest.raises(pytest.fail.Exception, match="Node: not installed"):
        leave_out("Node", "not installed")
