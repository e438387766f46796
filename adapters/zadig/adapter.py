"""The wiring of the Zadig adapter."""

from __future__ import annotations

from functools import partial

from adapters.common.adapter import Host, RunnerAdapter
from adapters.zadig.client import open_session
from adapters.zadig.doctor import examine
from adapters.zadig.runner import ZadigRunner
from adapters.zadig.settings import ZadigSettings


def open_runner(settings: ZadigSettings, host: Host) -> RunnerAdapter:
    """Return the runner of Zadig's workflows."""
    runner = ZadigRunner(settings, open_session())
    return RunnerAdapter(name="Zadig", runner=runner, url=settings.url, examine=partial(examine, settings))
