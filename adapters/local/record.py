"""What is kept of a run on disk, so that a crash of the server leaves nothing in doubt."""

from __future__ import annotations

import fcntl
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, TypeAdapter, ValidationError

from adapters.local.sessions import ProcessId
from core.messages import NO_MESSAGE, Message
from core.status import RunStatus

MessageJson = Annotated[Message, PlainValidator(Message.from_json), PlainSerializer(Message.to_json)]
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Record:
    """Where a run stands. `server` runs it; `session` is the session of the script that is going on.

    Until it has `begun` it waits for its turn, and may be taken over when its server is gone.
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
        """Whether the run is recorded as going on although its server is gone."""
        return not self.status.ended and not (self.server and self.server.alive)


_JSON = TypeAdapter(Record)


class RunFolder:
    """The folder of one run: its record, its output, its scripts and the directory they work in."""

    def __init__(self, root: Path, run_id: str) -> None:
        """Name the folder of a run.

        Raises:
            ValueError: the identifier is not fit for a file name.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise ValueError(f"not an identifier of a run: {run_id!r}")
        self.run_id = run_id
        self.path = root / run_id
        self.work = self.path / "work"
        self._record = self.path / "record.json"

    def exists(self) -> bool:
        """Tell whether the run was created, even if its record cannot be read."""
        return self.path.exists()

    def create(self, record: Record) -> bool:
        """Make the folder with its first record, once for all times: of two callers, one gets True."""
        try:
            self.path.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            return False
        self.save(record)
        self.work.mkdir()
        return True

    def take_over(self, server: ProcessId | None) -> Record | None:
        """Let a server run what another left before it had begun; of two callers, one gets the record."""
        with (self.path / "lock").open("w") as lock:  # the kernel gives it back, even after a crash
            fcntl.flock(lock, fcntl.LOCK_EX)
            record = self.load()
            if record.begun or not record.abandoned:
                return None
            record = replace(record, server=server)
            self.clear()
            self.work.mkdir()
            self.save(record)
            return record

    def clear(self) -> None:
        """Remove output, scripts and what they left; the record stays."""
        for path in (*self.path.glob("output.*"), *self.path.glob("script.*")):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.work, ignore_errors=True)

    def remove(self) -> None:
        """Forget a run."""
        shutil.rmtree(self.path, ignore_errors=True)

    def load(self) -> Record:
        """Return the record; a run without a readable one is `unknown`."""
        try:
            return _JSON.validate_json(self._record.read_bytes())
        except (FileNotFoundError, ValidationError):
            return Record(RunStatus.UNKNOWN, Message("this server has no record of the run"))

    def saved_at(self) -> float:
        """Return when the record was saved last, in unix seconds; 0 when there is none any more."""
        try:
            return self._record.stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def save(self, record: Record) -> None:
        """Replace the record atomically."""
        draft = self._record.with_suffix(".new")
        draft.write_bytes(_JSON.dump_json(record))
        draft.replace(self._record)

    def add_script(self, number: int, text: str) -> Path:
        """Store the script of a job and return its path."""
        path = self.path / f"script.{number}.sh"
        path.write_text(text)
        return path
