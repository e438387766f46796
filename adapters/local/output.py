"""The output of a run on disk: cleaned, masked, streamed and capped.

It is written in numbered segments of half the cap; of more than two, the first and the last two are kept. So the
position of every byte, and the number of omitted bytes, follow from the names and sizes of the files, even after a
crash.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import FileIO
from pathlib import Path

from adapters.common.files import open_private
from adapters.local.cleaning import Cleaner, clean_text
from adapters.local.masking import Masker

CAP = 1 << 20
"""Bytes of output that are kept of a run: half of them from its beginning, half from its end."""

_SEGMENT = CAP // 2


class OutputLog:
    """Writes the output of one run. `close` writes what was held back for cleaning and masking.

    It is cleaned first: a secret that a terminal sequence or an invisible character splits would be whole when shown.
    Bytes are written to the page cache, in the calling thread; the cap limits their number.
    """

    def __init__(self, folder: Path, secrets: Iterable[str]) -> None:
        self._folder = folder
        self._cleaner = Cleaner()
        self._masker = masker_of(secrets)
        self._number = 0
        self._filled = 0
        self._unfinished = False
        self._file = _create(folder, 0)

    def write(self, data: bytes) -> None:
        """Write bytes of a process."""
        self._append(self._masker.feed(self._cleaner.feed(data).encode()))

    def write_line(self, text: str) -> None:
        """Write a line of the runner itself; first, end an unfinished line of a process."""
        self._flush()
        start = "\n" if self._unfinished else ""
        self.write(f"{start}{text}\n".encode())

    def mask(self, text: str) -> str:
        """Return a text clean, with the secrets of the run masked."""
        return self._masker.mask(clean_text(text))

    def _flush(self) -> None:
        self._append(self._masker.feed(self._cleaner.flush().encode()) + self._masker.flush())

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
        """Write what was held back, and close the output."""
        try:
            self._flush()
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


def masker_of(secrets: Iterable[str]) -> Masker:
    """Return what masks secrets in output, where they are clean as well."""
    return Masker({text for secret in secrets for text in (secret, clean_text(secret))})


def _create(folder: Path, number: int) -> FileIO:
    return open(_segment(folder, number), "xb", buffering=0, opener=open_private)


def _segment(folder: Path, number: int) -> Path:
    return folder / f"output.{number}"
