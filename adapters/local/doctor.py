"""The check-up of the local runner."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from core.ports.checkup import Finding


async def examine(work_dir: Path) -> list[Finding]:
    """Look whether scripts can run on this machine, and their outputs be written."""
    bash = shutil.which("bash")
    text = f"scripts run with {bash}" if bash else "there is no bash on this machine"
    findings = [Finding(bool(bash), text, "install bash, or set local.enabled = false")]
    if not _may_write(work_dir):
        findings.append(Finding(False, f"outputs cannot be written to {work_dir}", "mend local.work_dir"))
    return findings


def _may_write(folder: Path) -> bool:
    """Tell whether a folder, or the nearest one above it that exists, may be written to."""
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    return os.access(existing, os.W_OK)
