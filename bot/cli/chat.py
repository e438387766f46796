"""`fabu chat`: the chat grammar in a terminal, with the cards that a person would see in a chat.

A button is pressed by typing its number. The fields of a button or a form are prompted for, one after the other.
"""

from __future__ import annotations

import atexit
import os
import readline
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from adapters.common.files import make_private_file
from bot.cli.access import pass_api
from bot.cli.failure import ExitCode, Failure
from bot.cli.options import terminal_locale
from bot.cli.show import buttons_of, reply_view, sentence, terminal
from bot.i18n import Locale
from core.card import Button, Field, Form, Tone
from core.chat import Reply
from core.text import remove_invisible

if TYPE_CHECKING:
    from bot.cli.client import Api

Prompt = Callable[[str], str]
"""Prints a question and returns the line that is typed. Raises EOFError at the end of the input."""

_LEAVE = ("quit", "exit", "退出")
_YES = ("y", "yes", "是")
_HISTORY = 1000
"""Lines of history that are kept."""


@pass_api
def chat(
    api: Api,
    command: Annotated[
        list[str] | None,
        typer.Option("--command", metavar="TEXT", help="Send this, print the answer and end; may be given repeatedly."),
    ] = None,
) -> None:
    """Talk to Fabu in the terminal: the same commands, cards and buttons as in a chat. Start with `help`."""
    session = Session(api, terminal(), terminal_locale(), input)
    if command:
        replies = [session.send(text) for text in command]
        if any(reply.tone is Tone.BAD for reply in replies):
            raise typer.Exit(ExitCode.FAILED)
        return
    if sys.stdin.isatty():
        _keep_history()
    session.run()


class Session:
    """One conversation. A typed number presses that button of the last card."""

    def __init__(self, api: Api, console: Console, locale: Locale, prompt: Prompt) -> None:
        self._api, self._console, self._locale, self._prompt = api, console, locale, prompt
        self._buttons: list[Button] = []

    def run(self) -> None:
        """Read commands and numbers until the input ends or somebody types a word of `_LEAVE`."""
        text = self._locale.text
        self._console.print(
            text("Type a command, or the number of a button; `help` lists the commands, `quit` leaves.")
        )
        while (line := self._next_line()) not in _LEAVE:
            try:
                if line.isdecimal():
                    self.press(int(line))
                elif line:
                    self.show_and_fill(self._api.chat(text=line))
            except Failure as failure:
                self._console.print(str(failure))
            except EOFError:
                self._console.print(text("Nothing was sent."))

    def _next_line(self) -> str:
        try:
            return self._prompt("fabu> ").strip()
        except EOFError:
            self._console.print()
            return _LEAVE[0]

    def send(self, text: str) -> Reply:
        """Send a typed command and print the reply."""
        return self._show(self._api.chat(text=text))

    def press(self, number: int) -> None:
        """Press a button of the last card, after prompting for its confirmation and its field."""
        text = self._locale.text
        if not 1 <= number <= len(self._buttons):
            self._console.print(text("There is no button {number} on the last card.", number=number))
            return
        button = self._buttons[number - 1]
        if button.url:
            self._console.print(remove_invisible(button.url))
            return
        if button.confirm and self._prompt(f"{remove_invisible(button.confirm)} [y/N] ").strip().lower() not in _YES:
            self._console.print(text("Nothing was sent."))
            return
        values = self._read_fields([button.field]) if button.field else {}
        self.show_and_fill(self._api.chat(verb=button.verb, ref=button.ref, values=values))

    def show_and_fill(self, reply: Reply) -> None:
        """Print a reply. When it is a form, prompt for its fields and send it, until every field is accepted."""
        self._show(reply)
        form: Form | None = reply.form
        values: dict[str, str] = {}
        errors: Mapping[str, str] = {}
        while form:
            fields = [field for field in form.fields if field.name in errors] if errors else form.fields
            values |= self._read_fields(fields)
            reply = self._show(self._api.chat(verb=form.verb, ref=form.ref, values=values))
            known = {field.name for field in form.fields}
            errors = {name: text for name, text in reply.errors.items() if name in known}
            form = form if errors else reply.form
            values = values if errors else {}

    def _show(self, reply: Reply) -> Reply:
        if reply.text:
            self._console.print(sentence(reply), soft_wrap=True)
        self._console.print(reply_view(replace(reply, text="")))
        if reply.card:
            self._buttons = buttons_of(reply.card)
        return reply

    def _read_fields(self, fields: Iterable[Field]) -> dict[str, str]:
        return {field.name: self._read_field(field) for field in fields}

    def _read_field(self, field: Field) -> str:
        """Prompt for one field, again when it is required and left empty. Several lines end with an empty one."""
        text = self._locale.text
        hints = [
            field.hint,
            text("required") if field.required else "",
            text("end with an empty line") * field.multiline,
        ]
        hint = "; ".join(hint for hint in hints if hint)
        question = remove_invisible(f"{field.label} ({hint}): " if hint else f"{field.label}: ")
        while True:
            answer = self._prompt(question)
            if field.multiline and answer:
                answer = "\n".join((answer, *iter(lambda: self._prompt("… "), "")))
            if answer.strip() or not field.required:
                return answer.strip() or field.value


def _keep_history() -> None:
    """Keep typed lines for the arrow keys, across conversations, in a file below XDG's folder for state."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    file = Path(state) / "fabu/chat_history"
    make_private_file(file)
    readline.read_history_file(file)
    readline.set_history_length(_HISTORY)
    atexit.register(readline.write_history_file, file)
