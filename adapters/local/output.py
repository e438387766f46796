"""The output of a run on disk: masked, streamed and capped.

It is written in numbered segments of half the cap; of more than two, the first and the last two are kept. So the
position of every byte, and the number of omitted bytes, follow from the names and sizes of the files, even after a
crash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import FileIO
from pathlib import Path

from adapters.common.files import open_private
from adapters.local.masking import Masker
from core.text import remove_invisible

CAP = 1 << 20
"""Bytes of output that are kept of a run: half of them from its beginning, half from its end."""

_SEGMENT = CAP // 2
_DROPPED = bytes(range(9)) + bytes(range(11, 27)) + bytes(range(28, 32)) + b"\x7f"
"""Control characters but for tab, line feed and ESC. They are dropped before masking: they could split a secret."""

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\|$)", re.MULTILINE)
"""Terminal sequences for colours, cursor and titles (ECMA-48, 5.4 and 8.3.89)."""


class OutputLog:
    """Writes the output of one run. `close` writes the bytes that were held back for masking.

    Bytes are written to the page cache, in the calling thread; the cap limits their number.
    """

    def __init__(self, folder: Path, secrets: Iterable[str]) -> None:
        self._folder = folder
        self._masker = Masker(secrets)
        self._number = 0
        self._filled = 0
        self._unfinished = False
        self._file = _create(folder, 0)

    def write(self, data: bytes) -> None:
        """Write bytes of a process."""
        self._append(self._masker.feed(data.translate(None, _DROPPED)))

    def write_line(self, text: str) -> None:
        """Write a line of the runner itself; first, end an unfinished line of a process."""
        self._append(self._masker.flush())
        start = "\n" if self._unfinished else ""
        self.write(f"{start}{text}\n".encode())

    def mask(self, text: str) -> str:
        """Return a text with the secrets of the run masked."""
        return self._masker.mask(text)

    def _append(self, data: bytes) -> None:
        if data:
            self._unfinished = not data.endswith(b"\n")
        while data:
            part, data = data[: _SEGMENT - self._filled], data[_SEGMENT - self._filled :]
            self._file.write(part)
            self._filled += len(part)
            if self._filled == _SEGMENT:
                self._next_segment()

    def _next_segment(self) -> None:
        following = _create(self._folder, self._number + 1)
        self._file.close()
        self._file = following
        self._number += 1
        self._filled = 0
        if self._number > 2:
            _segment(self._folder, self._number - 2).unlink()

    def close(self) -> None:
        """Write the bytes that were held back, and close the output."""
        try:
            self._append(self._masker.flush())
        finally:
            self._file.close()


def read_output(folder: Path) -> bytes:
    """Return the stored output of a run, empty if there is none; a line in its place counts omitted bytes."""
    last = max((int(path.suffix[1:]) for path in folder.glob("output.*")), default=None)
    if last is None:
        return b""
    head = _segment(folder, 0).read_bytes()
    if last == 0:
        return head
    tail = _segment(folder, last).read_bytes()
    left_out = max((last - 2) * _SEGMENT + len(tail), 0)
    if last > 1:
        tail = (_segment(folder, last - 1).read_bytes() + tail)[-_SEGMENT:]
    marker = f"\n[… {left_out:,} bytes left out …]\n".encode() if left_out else b""
    return head + marker + tail


def decode_output(data: bytes) -> str:
    """Return output as text, with invalid UTF-8 replaced, and without terminal sequences and invisible characters."""
    return remove_invisible(_ESCAPES.sub("", data.decode(errors="replace")))


def _create(folder: Path, number: int) -> FileIO:
    return open(_segment(folder, number), "xb", buffering=0, opener=open_private)


def _segment(folder: Path, number: int) -> Path:
    return folder / f"output.{number}"
