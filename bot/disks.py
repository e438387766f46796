"""The disks that a server writes to: which have too little room left, and whether the database on them is damaged."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from pathlib import Path

from adapters.common.disk import CURE, find_shortage
from adapters.store.open import data_folder, find_damage
from config.settings import Settings

log = logging.getLogger(__name__)

DATABASE = "the database"
"""What is kept in the folder without which nothing works."""
DAY = 86400.0
"""Seconds between two readings of the whole database."""


class Disks:
    """Finds the folders whose disks have too little room, by what is kept in them."""

    def __init__(self, settings: Settings) -> None:
        """Take the folders of settings: of an SQLite database, and of the outputs of local runs."""
        folder = data_folder(settings.database.url)
        self._folders: dict[str, Path] = {}
        if folder is not None and not settings.database.url.startswith("memory:"):
            self._folders[DATABASE] = folder
        if settings.local.enabled:
            self._folders["local runs"] = settings.local.find_folder(folder)
        self._short: frozenset[str] = frozenset()
        self._url, self._next_reading = settings.database.url, 0.0
        self.damage = ""
        """What is wrong with the database, as far as it was read."""

    async def find_shortages(self) -> Mapping[str, str]:
        """Return how little room is left for each thing that has too little."""
        return await asyncio.to_thread(self._find_shortages)

    async def watch(self) -> None:
        """Log each shortage that is new since the last call, and each that is over.

        At the first call, and then once a day, read the database for damage, and log that.
        """
        if time.monotonic() >= self._next_reading:
            self._next_reading = time.monotonic() + DAY
            self.damage = await asyncio.to_thread(find_damage, self._url)
            if self.damage:
                log.error("%s", self.damage)
        found = await self.find_shortages()
        for what in found.keys() - self._short:
            log.error("%s: %s (%s); %s", what, found[what], self._folders[what], CURE)
        for what in self._short - found.keys():
            log.info("%s: there is enough room again (%s)", what, self._folders[what])
        self._short = frozenset(found)

    def _find_shortages(self) -> dict[str, str]:
        found = {what: find_shortage(folder) for what, folder in self._folders.items()}
        return {what: shortage for what, shortage in found.items() if shortage}
