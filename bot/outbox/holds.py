"""What of a plan's cards waits: for the rate limit of a receiver, or until a card that failed is attempted again.

Each receiver and each card has its own wait, so that nobody waits for another, and no wait grows while calls succeed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.outbox.posting import identity_of
from bot.outbox.refusals import is_refusal
from bot.outbox.worker import Deferred, Receipt, back_off_forever, persistent
from core.errors import DeliveryError
from core.messages import Message
from core.ports.cards import CardRecord
from core.ports.clock import Clock
from core.ports.outbox import Delivery, Hold

_TOGETHER = timedelta(seconds=0.5)
"""How much earlier than its turn a card that has failed is attempted again, along with others."""
_SHIFT = 5.0
"""Seconds after which a delivery gives way: a plan that has changed meanwhile shows that in its channel first."""


class Holds:
    """The waits of one delivery of a plan's cards, with the failures of the present attempt.

    A wait is named by its receiver (`audience`) where that takes nothing, and by the card otherwise.
    """

    def __init__(
        self, delivery: Delivery, version: int, clock: Clock, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._delivery, self._version, self._clock, self._seconds = delivery, version, clock, seconds
        now = clock.now()
        self._holds = {name: hold for name, hold in delivery.holds.items() if self._is_active(hold, now)}
        self._ends = seconds() + _SHIFT
        self._is_cut_off = False
        self.failures: list[tuple[str, DeliveryError, bool]] = []
        """Whom a card is for, why it failed, and whether somebody has to mend that."""

    def _is_active(self, hold: Hold, now: datetime) -> bool:
        """Return whether a wait goes on. Cards that have failed together are attempted together."""
        if hold.attempts:
            return hold.until > now + _TOGETHER and hold.version == self._version
        return hold.until > now

    def has(self, audience: str) -> bool:
        """Return whether a receiver waits."""
        return audience in self._holds

    def take_turns(self, records: Iterable[CardRecord]) -> Iterable[CardRecord]:
        """Yield the cards that do not wait, until the shift is over, but one at least."""
        is_first = True
        for record in records:
            if self.has(record.audience) or _name(record) in self._holds:
                continue
            if not is_first and self._seconds() > self._ends:
                self._is_cut_off = True
                return
            is_first = False
            yield record

    def is_refusal(self, name: str, error: DeliveryError) -> bool:
        """Return whether somebody has to mend the cause of an error; an unknown one is given a few attempts."""
        return is_refusal(error, self._attempts(name))

    def is_refused(self, record: CardRecord, error: DeliveryError) -> bool:
        """Return whether somebody has to mend the cause of an error of a card."""
        return self.is_refusal(_name(record), error)

    def add(self, record: CardRecord, error: DeliveryError) -> None:
        """Let a card wait that was not accepted, or everything for its receiver when that is over a rate limit."""
        self._add(record.audience if error.limited else _name(record), record.audience, error)

    def wait(self, record: CardRecord, until: datetime) -> None:
        """Let a card wait whose time has not come."""
        self._holds[_name(record)] = Hold(until)

    def add_person(self, person: str, error: DeliveryError) -> None:
        """Let everything wait for a person who cannot be looked up."""
        self._add(person, person, error)

    def _add(self, name: str, audience: str, error: DeliveryError) -> None:
        pause = timedelta(seconds=error.retry_after or 0)
        if error.limited:
            self._holds[name] = Hold(self._clock.now() + pause)
            return
        refused, attempts = self.is_refusal(name, error), self._attempts(name)
        counted = replace(self._delivery, attempts=attempts)
        backoff = back_off_forever(counted) if error.retryable else persistent(counted)
        self._holds[name] = Hold(self._clock.now() + max(backoff, pause), attempts, self._version)
        self.failures.append((audience, error, refused))

    def _attempts(self, name: str) -> int:
        """Return the number of the present attempt."""
        past = self._delivery.holds.get(name)
        return 1 + (past.attempts if past else 0)

    def outcome(self) -> Receipt | Deferred:
        """Return what is left to deliver, and when."""
        if not self._holds and not self._is_cut_off:
            return Receipt()
        due_at = self._clock.now() if self._is_cut_off else min(hold.until for hold in self._holds.values())
        return Deferred(due_at, self._holds, self._combine_failures())

    def _combine_failures(self) -> DeliveryError | None:
        """Return one error for all cards that failed, with whom they were for."""
        if not self.failures:
            return None
        reasons = [
            Message("{who}: {what}", {"who": who, "what": error.as_message()}) for who, error, _ in self.failures
        ]
        system = str(self.failures[0][1].params["system"])
        return DeliveryError(system, Message.joined("; ", reasons), retryable=True)


def _name(record: CardRecord) -> str:
    return "/".join(map(str, identity_of(record)))
