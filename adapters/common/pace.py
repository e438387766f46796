"""The pace at which a vendor takes calls: its documented limit, and the pauses that it asks for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from core.errors import DeliveryError
from core.messages import Message

_EVEN_FOR: Final = 60.0
"""Seconds after a pause in which calls are spread evenly, since the vendor has shown that it takes no bursts."""
_LONGEST_QUEUE: Final = 300.0
"""Seconds by which the last in a queue is called later than the first, at most."""
_MANY: Final = 1000
"""How many keys are kept before those are forgotten that matter no more."""


class Paced(DeliveryError):
    """A call was not made, since it is not its turn yet."""

    def __init__(self, system: str, seconds: float) -> None:
        reason = Message("its rate limit is kept")
        super().__init__(system, reason, retryable=True, retry_after=seconds, sent=False, limited=True)


@dataclass(slots=True)
class _Line:
    """The calls for one key. All times are those of the clock; `promised` is the last time that a caller was given."""

    sent: deque[float] = field(default_factory=deque)
    paused_until: float = 0.0
    even_until: float = 0.0
    promised: float = 0.0


class Pace:
    """Lets at most `count` calls pass in `period` seconds for each key, for example a channel; refuses the others.

    A refusal is `Paced`, with the seconds until the caller's turn. Callers that are refused one after the other get one
    turn each, so that of several who wait for a key nobody takes all turns.
    """

    def __init__(
        self,
        system: str,
        count: int,
        period: float,
        clock: Callable[[], float] = time.monotonic,
        interval: float | None = None,
    ) -> None:
        """Take the limit, and the seconds between calls after a pause, where the vendor's own limit is a lower one."""
        self._system, self._count, self._period, self._clock = system, count, period, clock
        self._interval = interval or period / count
        self._lines: dict[str, _Line] = {}

    @contextmanager
    def keep(self, key: str, pauses: Callable[[DeliveryError], bool] = lambda error: True) -> Iterator[None]:
        """Make a call in its turn, or raise Paced. When the vendor limits it, pause the key.

        `pauses` returns whether a limit is one of this key.
        """
        self.take(key)
        with self.watch(key, pauses):
            yield

    @contextmanager
    def watch(self, key: str, pauses: Callable[[DeliveryError], bool] = lambda error: True) -> Iterator[None]:
        """Pause the key when the vendor limits the call that is made inside."""
        try:
            yield
        except DeliveryError as error:
            if error.limited and not isinstance(error, Paced) and pauses(error):
                self.pause(key, error.retry_after or self._interval)
            raise

    def take(self, key: str) -> None:
        """Count a call that is made now; raise Paced when it is not its turn yet."""
        now, line = self._clock(), self._line(key)
        free_at = self._free_at(line, now)
        if free_at <= now:
            self._count_call(line, now)
            return
        line.promised = max(free_at, min(line.promised + self._interval, free_at + _LONGEST_QUEUE))
        raise Paced(self._system, line.promised - now)

    def note(self, key: str) -> None:
        """Count a call that waits for no turn, since somebody waits for it; raise Paced while the key is paused."""
        now, line = self._clock(), self._line(key)
        if line.paused_until > now:
            raise Paced(self._system, line.paused_until - now)
        self._count_call(line, now)

    def pause(self, key: str, seconds: float) -> None:
        """Let no call pass for some seconds, as the vendor asks; after that, let them pass evenly for some time."""
        line = self._line(key)
        line.paused_until = max(line.paused_until, self._clock() + seconds)
        line.even_until = line.paused_until + _EVEN_FOR

    def _free_at(self, line: _Line, now: float) -> float:
        """Return when the next call may be made."""
        free_at = line.paused_until
        if line.sent and now < line.even_until:
            free_at = max(free_at, line.sent[-1] + self._interval)
        if len(line.sent) == self._count:
            free_at = max(free_at, line.sent[0] + self._period)
        return free_at

    def _count_call(self, line: _Line, now: float) -> None:
        line.sent.append(now)
        if len(line.sent) > self._count:
            line.sent.popleft()

    def _line(self, key: str) -> _Line:
        if key not in self._lines:
            if len(self._lines) >= _MANY:
                self._forget_idle()
            self._lines[key] = _Line()
        return self._lines[key]

    def _forget_idle(self) -> None:
        now = self._clock()
        self._lines = {
            key: line
            for key, line in self._lines.items()
            if now < max(line.even_until, line.promised, (line.sent[-1] if line.sent else now) + self._period)
        }
