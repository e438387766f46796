"""The folder and the record of a run on disk, from which its state is known after a crash of the server."""

from __future__ import annotations

import fcntl
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, TypeAdapter, ValidationError

from adapters.common.files import make_private_folder, open_private
from adapters.local.sessions import ProcessId
from core.messages import NO_MESSAGE, Message
from core.status import RunStatus

MessageJson = Annotated[Message, PlainValidator(Message.from_json), PlainSerializer(Message.to_json)]
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Record:
    """The state of a run. `server` is the process of its server; `session` is the session of its running script.

    A run that has not `begun` is in the queue of its server; another server may take it over when that one has ended.
    """

    status: RunStatus
    detail: MessageJson = NO_MESSAGE
    plan_id: str = ""
    item_id: str = ""
    server: ProcessId | None = None
    session: ProcessId | None = None
    begun: bool = True

    @property
    def abandoned(self) -> bool:
        """Whether the run has not ended according to its record, but its server has."""
        return not self.status.ended and not (self.server and self.server.alive)


_JSON = TypeAdapter(Record)


class RunFolder:
    """The folder of one run: its record, its output, its scripts and their working directory."""

    def __init__(self, root: Path, run_id: str) -> None:
        """Take the id of a run; the folder may exist or not.

        Raises:
            ValueError: the id is not valid as a file name.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise ValueError(f"not an identifier of a run: {run_id!r}")
        self.run_id = run_id
        self.path = root / run_id
        self.work = self.path / "work"
        self._record = self.path / "record.json"

    def exists(self) -> bool:
        """Return whether the run was created, even if its record cannot be read."""
        return self.path.exists()

    def create(self, record: Record) -> bool:
        """Create the folder with its first record; False if it exists already. Of two callers, only one gets True."""
        make_private_folder(self.path.parent)
        try:
            self.path.mkdir(mode=0o700)
        except FileExistsError:
            return False
        self.save(record)
        self.work.mkdir(mode=0o700)
        return True

    def take_over(self, server: ProcessId | None) -> Record | None:
        """Assign a run that has not begun, and whose server has ended, to a server. Only one caller gets the record."""
        with open(self.path / "lock", "w", opener=open_private) as lock:  # the kernel releases it, even after a crash
            fcntl.flock(lock, fcntl.LOCK_EX)
            record = self.load()
            if record.begun or not record.abandoned:
                return None
            record = replace(record, server=server)
            self.clear()
            self.work.mkdir(mode=0o700)
            self.save(record)
            return record

    def clear(self) -> None:
        """Delete the output, the scripts and their working directory; the record stays."""
        for path in (*self.path.glob("output.*"), *self.path.glob("script.*")):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.work, ignore_errors=True)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.path, ignore_errors=True)

    def load(self) -> Record:
        """Return the record; one with the status `unknown` if there is none, or if it cannot be read."""
        try:
            return _JSON.validate_json(self._record.read_bytes())
        except (FileNotFoundError, ValidationError):
            return Record(RunStatus.UNKNOWN, Message("this server has no record of the run"))

    def saved_at(self) -> float:
        """Return when the record was last saved, in unix seconds; 0 when there is none."""
        try:
            return self._record.stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def save(self, record: Record) -> None:
        """Replace the record atomically."""
        draft = self._record.with_suffix(".new")
        _write(draft, _JSON.dump_json(record))
        draft.replace(self._record)

    def add_script(self, number: int, text: str) -> Path:
        """Save the script of a job, and return its path."""
        path = self.path / f"script.{number}.sh"
        _write(path, text.encode())
        return path


def _write(path: Path, data: bytes) -> None:
    with open(path, "wb", opener=open_private) as file:
        file.write(data)
