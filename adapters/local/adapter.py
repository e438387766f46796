"""The wiring of the local runner."""

from __future__ import annotations

import logging
from functools import partial

from adapters.common.adapter import Host, RunnerAdapter
from adapters.local.doctor import describe_reach, examine
from adapters.local.isolation.choose import choose_isolation
from adapters.local.runner import LocalRunner
from adapters.local.settings import LocalSettings

log = logging.getLogger(__name__)


def open_runner(settings: LocalSettings, host: Host) -> RunnerAdapter:
    """Return the local runner; its start ends the runs of a crashed server, and logs what scripts can reach.

    Raises UnusableSetting when a setting does not work on this machine.
    """
    work_dir = settings.find_folder(host.data_folder)
    private = (*host.private_files, *([host.data_folder] if host.data_folder else []))
    isolation = choose_isolation(settings, work_dir, private)
    runner = LocalRunner(
        settings,
        work_dir,
        host.report,
        isolation,
        secrets=host.secrets,
        is_wanted=host.is_wanted,
        public_url=host.public_url,
    )

    async def start() -> None:
        log.log(logging.INFO if isolation.confines else logging.WARNING, "%s", describe_reach(isolation))
        await runner.recover()

    return RunnerAdapter(
        name="local runner",
        runner=runner,
        examine=partial(examine, settings, work_dir, isolation),
        start=start,
        confines=isolation.confines,
    )
