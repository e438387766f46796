"""A handler in the place of Fabu, for tests of the inbound side of a chat."""

from __future__ import annotations

import asyncio

from core.chat import Inbound, Reply


class Bot:
    """Records requests and answers what a test sets; waits while `free` is cleared, and raises `error` if it is set."""

    def __init__(self, reply: Reply | None = None) -> None:
        self.asked: list[Inbound] = []
        self.reply = reply or Reply()
        self.replies: dict[str, Reply] = {}
        """Answers by verb, or by the typed text; `reply` answers the rest."""
        self.error: Exception | None = None
        self.free = asyncio.Event()
        self.free.set()
        self.forms: list[str] = []
        """The approval forms that the vendor reported to have changed."""

    async def __call__(self, inbound: Inbound) -> Reply:
        self.asked.append(inbound)
        await self.free.wait()
        if self.error:
            raise self.error
        return self.replies.get(inbound.verb or inbound.text, self.reply)

    async def form_changed(self, form: str) -> None:
        self.forms.append(form)
