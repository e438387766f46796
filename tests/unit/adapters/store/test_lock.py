"""Two servers on one SQLite database."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.store.lock import exclusive_lock
from core.errors import Unavailable


def test_a_second_server_is_refused_while_the_first_one_runs(tmp_path: Path) -> None:
    ours = f"sqlite:///{tmp_path}/fabu.db"
    with exclusive_lock(ours):
        with pytest.raises(Unavailable, match="Another server runs on this database"), exclusive_lock(ours):
            pass
        with exclusive_lock(f"sqlite:///{tmp_path}/other.db"):
            pass
    with exclusive_lock(ours):
        pass


@pytest.mark.parametrize("url", ["memory://", "postgresql+psycopg://fabu@db/fabu"])
def test_other_databases_take_several(url: str) -> None:
    with exclusive_lock(url), exclusive_lock(url):
        pass
