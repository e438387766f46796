"""Opens the runners that the settings enable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from adapters.store.open import data_folder
from config.settings import Settings
from core.ports.runner import Runner, RunReport

OnChange = Callable[[str, str, RunReport], Awaitable[None]]


async def open_runners(settings: Settings, on_change: OnChange, stack: AsyncExitStack) -> dict[str, Runner]:
    """Return the enabled runners by name; they are closed with the stack. `on_change` takes what they report."""
    runners: dict[str, Runner] = {}
    if settings.local.enabled:
        runners["local"] = await _local(settings, on_change)
    if settings.zadig.url:
        runners["zadig"] = _zadig(settings)
    for runner in runners.values():
        stack.push_async_callback(runner.close)
    return runners


async def _local(settings: Settings, on_change: OnChange) -> Runner:
    from adapters.local import LocalRunner, LocalSettings

    data = data_folder(settings.database.url)
    folder = Path(settings.local.work_dir) if settings.local.work_dir else (data or Path()) / "runs"
    runner = LocalRunner(
        LocalSettings(
            work_dir=folder,
            shared=data is None,
            databases={name: url.get_secret_value() for name, url in settings.local.databases.items()},
            max_parallel=settings.local.max_parallel,
            keep=settings.local.keep_outputs.total_seconds(),
            run_url=f"{settings.public_url}/runs/{{run_id}}",
        ),
        on_change,
    )
    await runner.recover()
    return runner


def _zadig(settings: Settings) -> Runner:
    from adapters.zadig.client import open_session
    from adapters.zadig.runner import ZadigRunner

    return ZadigRunner(open_session(), settings.zadig.url, settings.zadig.token.get_secret_value())
