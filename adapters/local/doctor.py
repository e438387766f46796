"""The check-up of the local runner."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from adapters.common.files import check_private
from core.ports.checkup import Finding


async def examine(work_dir: Path) -> list[Finding]:
    """Check that scripts can run on this machine, and that outputs can be written."""
    bash = shutil.which("bash")
    text = f"scripts run with {bash}" if bash else "there is no bash on this machine"
    findings = [Finding(bool(bash), text, "install bash, or set local.enabled = false")]
    if not _is_writable(work_dir):
        findings.append(Finding(False, f"outputs cannot be written to {work_dir}", "mend local.work_dir"))
    private = [Finding(True, "only their owner can read the outputs of runs")]
    return findings + (check_private([work_dir]) or private)


def _is_writable(folder: Path) -> bool:
    """Return whether a folder, or its nearest parent that exists, is writable."""
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    return os.access(existing, os.W_OK)
