"""The check-up of the local runner."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from adapters.common.files import check_private
from adapters.local.isolation.account import Account
from adapters.local.isolation.base import Isolation
from core.ports.checkup import Finding

REACH: Mapping[str, str] = {
    "bwrap": "scripts run under bubblewrap: they reach the system's programs, local.paths, the network where "
    "local.network lets them, and the folder of their run",
    "user": "scripts run as the user local.user: they reach what this user reaches, and other scripts that run",
    "none": "scripts run as the server's user: they can read the key, the database, the settings and other runs, and "
    "with them approve any plan in anybody's name",
}
"""What scripts reach, by the kind of their isolation."""


async def examine(work_dir: Path, isolation: Isolation) -> list[Finding]:
    """Check that scripts can run on this machine, what they reach, and that outputs can be written."""
    bash = shutil.which("bash")
    text = f"scripts run with {bash}" if bash else "there is no bash on this machine"
    findings = [Finding(bool(bash), text, "install bash, or set local.enabled = false")]
    cure = "install bubblewrap, or name a user without rights in local.user; until then local scripts need approval"
    findings.append(Finding(isolation.confines, REACH[isolation.kind], cure))
    if not _is_writable(work_dir):
        findings.append(Finding(False, f"outputs cannot be written to {work_dir}", "mend local.work_dir"))
    private = [Finding(True, "only their owner can read the outputs of runs")]
    entered = isolation.kind == Account.kind  # by another user, who reads nothing there
    return findings + (check_private([] if entered else [work_dir]) or private)


def _is_writable(folder: Path) -> bool:
    """Return whether a folder, or its nearest parent that exists, is writable."""
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    return os.access(existing, os.W_OK)
