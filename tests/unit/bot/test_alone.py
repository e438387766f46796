"""Two servers on one SQLite database."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.alone import alone
from config.settings import Settings
from core.errors import Unavailable


def settings(url: str) -> Settings:
    return Settings.model_validate({"database": {"url": url}})


def test_a_second_server_is_refused_while_the_first_one_runs(tmp_path: Path) -> None:
    ours = settings(f"sqlite:///{tmp_path}/fabu.db")
    with alone(ours):
        with pytest.raises(Unavailable, match="Another server runs on this database"), alone(ours):
            pass
        with alone(settings(f"sqlite:///{tmp_path}/other.db")):
            pass
    with alone(ours):
        pass


@pytest.mark.parametrize("url", ["memory://", "postgresql+psycopg://fabu@db/fabu"])
def test_other_databases_take_several(url: str) -> None:
    with alone(settings(url)), alone(settings(url)):
        pass
