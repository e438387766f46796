"""How a replica receives the notifications of the others: LISTEN on a thread. Imported with PostgreSQL only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import psycopg
from sqlalchemy import URL

from adapters.common.connecting import Reachability
from adapters.store.sql.announcing import CHANNEL

log = logging.getLogger(__name__)

_RETRY_SECONDS = 2.0
"""How long a listener waits before it connects again."""
_CLOSE_SECONDS = 0.5
"""How often a listener checks whether it has to end."""


class Listener:
    """Waits for notifications of other replicas, and reconnects when the connection is lost."""

    def __init__(self, url: URL, sender: str, notify: Callable[[], None]) -> None:
        """`notify` is called on the listener's thread, also when it connects: earlier notifications may be lost."""
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._sender, self._notify = sender, notify
        self._reachability = Reachability("PostgreSQL", "start it, or check database.url", log)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fabu-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread. Blocks for less than a second unless the server does not answer."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                self._reachability.mark_lost(str(error).partition("\n")[0])
                self._closing.wait(_RETRY_SECONDS)

    def _listen(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True, connect_timeout=5, application_name="fabu") as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._reachability.mark_restored()
            self._notify()
            while not self._closing.is_set():
                for notification in connection.notifies(timeout=_CLOSE_SECONDS, stop_after=1):
                    if notification.payload != self._sender:
                        self._notify()
