"""The wiring of the local runner."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from adapters.common.adapter import Host, RunnerAdapter
from adapters.local.doctor import examine
from adapters.local.runner import LocalRunner
from adapters.local.settings import LocalSettings


def open_runner(settings: LocalSettings, host: Host) -> RunnerAdapter:
    """Return the local runner; its start ends the runs of a crashed server.

    Raises ValueError when the URL of a database cannot be read.
    """
    work_dir = Path(settings.work_dir) if settings.work_dir else (host.data_folder or Path()) / "runs"
    shared = host.data_folder is None
    runner = LocalRunner(settings, work_dir, host.report, shared=shared, public_url=host.public_url)
    return RunnerAdapter(name="local runner", runner=runner, examine=partial(examine, work_dir), start=runner.recover)
