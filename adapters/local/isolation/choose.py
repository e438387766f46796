"""Chooses the isolation of scripts: what the settings name, or the best that works on this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path

from adapters.common.settings import UnusableSetting
from adapters.local.isolation.account import Account
from adapters.local.isolation.base import Isolation
from adapters.local.isolation.bubblewrap import Bubblewrap
from adapters.local.settings import LocalSettings

BASH = shutil.which("bash") or "/bin/bash"
_MEND = "install it, and let this user make user namespaces"


def choose_isolation(settings: LocalSettings, work_dir: Path, private: tuple[Path, ...]) -> Isolation:
    """Return the isolation that the settings name; for `auto` the best that works on this machine.

    Nothing of `private`, and no other run in `work_dir`, is to be reached by scripts.

    Raises:
        UnusableSetting: what the settings demand does not work here.
    """
    home = Path(os.environ.get("HOME") or "/")
    if settings.isolation == "none":
        return Isolation(home)
    failure = ""
    if settings.isolation != "user":
        found = _find_bubblewrap(settings, home, (*private, work_dir))
        if isinstance(found, Bubblewrap):
            return found
        failure = f"bubblewrap does not work here ({found})"
    if settings.isolation == "bwrap":
        raise UnusableSetting(f"local.isolation is bwrap, but {failure}: {_MEND}")
    if not settings.network:
        raise UnusableSetting(f"local.network is false, but {failure}: {_MEND}, or remove local.network")
    if settings.user:
        return _find_account(settings.user, work_dir)
    return Isolation(home, reason=failure)


def _find_bubblewrap(settings: LocalSettings, home: Path, private: tuple[Path, ...]) -> Bubblewrap | str:
    """Return bubblewrap as the settings want it, or why it does not work here."""
    program = shutil.which("bwrap")
    if program is None:
        return "there is no bwrap on this machine"
    bubblewrap = Bubblewrap(home, program, tuple(map(Path, settings.paths)), private, settings.network)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script")
        script.touch()
        work = Path(folder, "work")
        work.mkdir()
        return bubblewrap.find_failure(script, work, [BASH, "--norc", str(script)]) or bubblewrap


def _find_account(name: str, work_dir: Path) -> Account:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise UnusableSetting(f"local.user: this machine has no user {name}; make one with `useradd`") from None
    if entry.pw_uid in (0, os.geteuid()):
        raise UnusableSetting(f"local.user: {name} can read what the server can; name a user without rights")
    if os.geteuid() != 0:
        raise UnusableSetting(
            f"local.user: only a server that runs as root may start processes as {name}; use bubblewrap "
            "(local.isolation), or remove local.user"
        )
    account = Account(Path(entry.pw_dir), name, entry.pw_uid, entry.pw_gid)
    if barrier := account.find_barrier(work_dir):
        raise UnusableSetting(
            f"local.user: {name} may not enter {barrier}; set local.work_dir to a folder that it can reach, such as "
            "/var/lib/fabu-runs, in which each run stays closed to others"
        )
    return account
