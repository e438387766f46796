"""Turns the bytes of a process into plain text: no terminal sequences, no control characters, nothing invisible."""

from __future__ import annotations

import codecs
import re

from core.text import remove_invisible

_SEQUENCE = re.compile(
    r"""\x1b(?:
        \[ [0-?]* [ -/]* (?: [@-~] | (?P<control>\Z) )
      | [PX^_\]] .*? (?: \x07 | \x1b\\ | (?=\n) | (?P<string>\Z) )
      | [ -/]* (?: [0-~] | (?P<short>\Z) )
    )""",
    re.VERBOSE,
)
"""Terminal sequences for colours, cursor, titles and character sets (ECMA-48, 5.4, 5.6 and 8.3.89; ECMA-35, 13.2), also
one whose end is still to come. A title ends with its line."""
_LONGEST = 64
"""Characters of a sequence that are waited for; titles may be longer."""


class Cleaner:
    """Cleans a stream, also where a sequence or a character arrives in several parts."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""

    def feed(self, data: bytes) -> str:
        """Return clean text; the beginning of a sequence is held back for the next call."""
        return self._clean(self._decoder.decode(data))

    def flush(self) -> str:
        """Return what is left at the end of the stream; a sequence that did not end is dropped."""
        rest = self._clean(self._decoder.decode(b"", final=True))
        self._held = ""
        return rest

    def _clean(self, text: str) -> str:
        text, self._held = self._held + text, ""
        return remove_invisible(_SEQUENCE.sub(self._drop, text))

    def _drop(self, found: re.Match[str]) -> str:
        """Drop a sequence, but hold what is needed to know it again if its end is still to come."""
        match found.lastgroup:
            case "string":
                self._held = found[0][:2] + ("\x1b" if found[0].endswith("\x1b") else "")
            case "control" | "short" if len(found[0]) <= _LONGEST:
                self._held = found[0]
            case _:
                pass
        return ""


def clean_text(text: str) -> str:
    """Return a whole text clean."""
    cleaner = Cleaner()
    return cleaner.feed(text.encode(errors="replace")) + cleaner.flush()
