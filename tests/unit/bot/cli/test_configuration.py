"""Mistakes in the settings, told in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli.configuration import read_settings
from bot.cli.failure import ExitCode, Failure
from tests.unit.bot.cli.conftest import Terminal


def mistakes(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Failure) as caught:
        read_settings(path)
    assert caught.value.code is ExitCode.MISUSED
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_every_mistake_is_listed_with_its_path_and_what_the_setting_is_for(file: Path) -> None:
    told = mistakes(file, '[server]\nport = "x"\nprot = 1\n[[hooks.endpoints]]\nname = "a"\n[slak]\n')
    about = "(The port to listen on; 0 takes a free one.)"
    assert told.splitlines()[1:] == [
        f"  • server.port: Input should be a valid integer, unable to parse string as an integer {about}",
        "  • server.prot: there is no such setting; did you mean port?",
        "  • hooks.endpoints[0].url: Field required (The URL that hooks are posted to.)",
        "  • slak: there is no such setting; did you mean slack?",
    ]


def test_a_field_unlike_any_other_is_told_what_there_is(file: Path) -> None:
    assert "zadig.xyz: there is no such setting; there are: url, token, hook_token" in mistakes(
        file, "[zadig]\nxyz = 1"
    )


def test_references_to_nobody_are_told(file: Path) -> None:
    assert "nobody under [[people]] has the id eve" in mistakes(file, '[auth]\nadmins = ["eve"]')


def test_a_secret_in_a_wrong_place_is_not_repeated(file: Path) -> None:
    assert "hunter2" not in mistakes(file, '[slack]\nbot_token = ["hunter2"]\nsecret = "hunter2"')


@pytest.mark.parametrize(("text", "told"), [("[server", "is not TOML"), ("a = '\udcff'", "is not UTF-8 text")])
def test_a_file_that_cannot_be_read_is_told(file: Path, text: str, told: str) -> None:
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(Failure, match=told):
        read_settings(file)


def test_a_variable_of_an_unknown_section_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABU__SERVR__PORT", "1")
    assert "FABU__SERVR__PORT (environment): there is no section servr; did you mean server?" in mistakes(file, "")


def test_the_environment_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("[server]\nport = 1\n")
    monkeypatch.setenv("FABU__SERVER__PORT", "2")
    assert read_settings(file).server.port == 2


def test_commands_end_with_a_sentence(terminal: Terminal) -> None:
    assert "none.toml cannot be read (No such file or directory)" in terminal.fabu(
        "run", "--config", "none.toml", code=2
    )
    assert "write the database as sqlite:///FILE" in terminal.fabu(
        "db", "upgrade", code=2, FABU__DATABASE__URL="my://x"
    )
    told = terminal.fabu("token", "list", code=2, FABU__DATABASE__URL="memory://")
    assert "set database.url" in told


def test_a_server_that_cannot_listen_says_why(server: Terminal, terminal: Terminal) -> None:
    port = server.env["FABU_URL"].rpartition(":")[2]
    told = terminal.fabu("run", code=1, FABU__SERVER__PORT=port)
    assert "address already in use. Look at server.host and server.port." in told


def test_a_database_that_does_not_answer_is_told(terminal: Terminal) -> None:
    url = "postgresql://nobody:hunter2@127.0.0.1:1/none"
    told = terminal.fabu("token", "list", code=1, FABU__DATABASE__URL=url, FABU__SERVER__SECRET_KEY="k" * 32)
    assert "refused" in told
    assert "hunter2" not in told
