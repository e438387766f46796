"""Mistakes in the settings, told in words."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from adapters.store.open import open_store
from bot.cli.configuration import read_settings
from bot.cli.failure import ExitCode, Failure
from tests.contract.store.offices import Office
from tests.unit.bot.cli.conftest import Terminal

DINGTALK = '[dingtalk]\nclient_id = "x"\nclient_secret = "x"\nrobot_code = "x"\nmode = "http"\n'
"""The least that mode http needs."""


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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('slack.bot_token = "x"', "slack.signing_secret: it is missing, and bot_token needs it (The signing secret"),
        ('[slack]\nbot_token = "x"\nmode = "socket"', "slack.app_token: it is missing, and bot_token needs it"),
        ('slack.channel = "C1"', "slack.bot_token: it is missing, so channel has no effect: set it, or remove channel"),
        ('slack.api_url = ""', "slack.api_url: "),
        ('feishu.app_id = "x"', "feishu.app_secret: it is missing, and app_id needs it (The app secret.)"),
        ('feishu.app_id = "x"', "feishu.verification_token: it is missing, and mode http needs it, or encrypt_key"),
        ('feishu.app_secret = "x"', "feishu.app_id: it is missing, so app_secret has no effect"),
        ('dingtalk.client_id = "x"', "dingtalk.client_secret: it is missing"),
        ('dingtalk.client_id = "x"', "dingtalk.robot_code: it is missing"),
        ('dingtalk.process_code = "x"', "dingtalk.client_id: it is missing, so process_code has no effect"),
        (f'{DINGTALK}card_template_id = "x"', "dingtalk.card_secret: it is missing, and mode http needs it"),
        (f'{DINGTALK}process_code = "x"', "dingtalk.aes_key: it is missing, and mode http needs it"),
        (f'{DINGTALK}token = "x"\naes_key = "short"', "dingtalk.aes_key: it must have 43 letters and digits"),
        ('dingtalk.api_url = "http://dingtalk.example.com"', "dingtalk.api_url: use https"),
        ('dingtalk.api_url = "https://proxy.example.com/dingtalk"', "dingtalk.api_url: write it without a path"),
        ('zadig.url = "https://zadig.example.com"', "zadig.token: it is missing, and url needs it"),
        ('zadig.hook_token = "x"', "zadig.url: it is missing, so hook_token has no effect"),
        (
            '[[people]]\nid = "a"\n[zadig]\ngate_manager = "a"',
            "zadig.url: it is missing, so gate_manager has no effect",
        ),
        (
            '[[people]]\nid = "a"\n[[zadig.gates]]\napprovers = ["a"]',
            "zadig.url: it is missing, so gates has no effect: set it, or remove gates",
        ),
        ('hooks.secret = "whsec_c2VjcmV0"', "hooks.url: it is missing, so secret has no effect"),
        ('[hooks]\nurl = "https://a.example"\nsecret = "no base64!"', "hooks.secret: a webhook secret is base64"),
        ('hooks.allow_internal = ["10.0.0.1/8"]', "hooks.allow_internal[0]: write a network such as 10.0.0.0/8"),
        (2 * '[[hooks.endpoints]]\nurl = "https://a.example"\n', "hooks.endpoints: several are called default"),
        ('callback.auth = "bearer"', "callback.secret: it is missing, and auth bearer needs it"),
        ('[callback]\nauth = "signature"\nsecret = "%"', "callback.secret: a webhook secret is base64"),
        ('local.databases = {shop = "foo"}', "local.databases.shop: write the URL of the database as mysql+pymysql://"),
        ('local.databases = {shop = "mysql://a/b"}', "local.databases.shop: write the URL of the database as"),
        ('database.url = "sqlite://"', "database.url: write the database as sqlite:///FILE"),
        ('server.timezone = "Mars/Base"', "server.timezone: there is no time zone Mars/Base: write an IANA name"),
        ('server.timezone = "Asia"', "server.timezone: there is no time zone Asia"),
        ('server.timezone = "../etc"', "server.timezone: there is no time zone ../etc"),
        ('[[people]]\nid = "a"\ntimezone = "X/Y"', "people[0].timezone: there is no time zone X/Y"),
        (2 * '[[people]]\nid = "a"\n', "people: several have the id a: give each an id of its own"),
        (2 * '[[groups]]\nid = "a"\nmembers = []\n', "groups: several have the id a"),
        (
            '[[people]]\nid = "a"\n[[zadig.gates]]\napprovers = ["a"]\nchannel = "feishu_instance"',
            "zadig.gates[0].channel: feishu_instance is not enabled: fill in the section feishu, or take the channel",
        ),
        (
            '[[people]]\nid = "a"\nslack = "U1"\n[[people]]\nid = "b"\nslack = "U1"',
            "people.slack: several people have the account U1",
        ),
    ],
)
def test_settings_that_are_wrong_or_half_filled_are_named_with_the_cure(file: Path, text: str, told: str) -> None:
    assert f"  • {told}" in mistakes(file, text)


@pytest.mark.parametrize(
    "key",
    ["server.public_url", "slack.api_url", "feishu.domain", "dingtalk.oapi_url", "zadig.url", "hooks.url", "jira.url"],
)
@pytest.mark.parametrize("url", ["fabu.example.com", "ftp://fabu.example.com", "https://", "https://a b", "http://a:x"])
def test_an_address_is_a_whole_url(file: Path, key: str, url: str) -> None:
    assert f"  • {key}: write the whole URL, such as https://" in mistakes(file, f'{key} = "{url}"')


def test_all_half_filled_sections_are_listed_at_once(file: Path) -> None:
    told = mistakes(file, 'slack.bot_token = "x"\nfeishu.app_id = "x"\n[auth]\nadmins = ["eve"]')
    assert [line.split(":")[0] for line in told.splitlines()[1:]] == [
        "  • slack.signing_secret", "  • feishu.app_secret", "  • feishu.verification_token", "  • auth.admins",
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_a_half_filled_setting_ends_a_command_with_a_sentence(terminal: Terminal, command: str) -> None:
    told = terminal.fabu(command, code=2, FABU__SLACK__BOT_TOKEN="xoxb-hunter2")
    assert "slack.signing_secret: it is missing" in told
    assert "hunter2" not in told


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


def test_a_lost_key_beside_a_database_with_plans_ends_every_command(terminal: Terminal) -> None:
    url = f"sqlite:///{terminal.folder}/fabu.db"

    async def write_plan() -> None:
        store = open_store(url, b"k" * 32)
        await Office(store).create()
        await store.close()

    assert terminal.fabu("people", "list")
    (terminal.folder / "fabu.key").unlink()
    assert terminal.fabu("people", "list"), "nothing is lost without plans: a new key is made"
    asyncio.run(write_plan())
    assert terminal.fabu("people", "list")
    (terminal.folder / "fabu.key").unlink()
    for command in (("run",), ("token", "list"), ("people", "list"), ("audit", "verify")):
        told = terminal.fabu(*command, code=2)
        assert f"{terminal.folder / 'fabu.key'} is lost, but the database was written with it: restore it" in told
    assert not (terminal.folder / "fabu.key").exists(), "no new key is made"


def test_a_key_of_another_database_ends_the_server_with_the_cure(terminal: Terminal) -> None:
    with terminal.process("run") as process:
        assert process.stderr
        url = next(match[1] for line in process.stderr if (match := re.search(r"listens at (\S+)", line)))
        Terminal(terminal.folder, {"FABU_URL": url}).acting_as("alice").plan(name="name: Release")
        process.terminate()
    key = terminal.folder / "fabu.key"
    right = key.read_bytes()
    key.write_text("another key")
    told = terminal.fabu("run", code=2)
    assert "fabu.key is not the secret that the database was written with: restore the one of the database" in told
    assert "server.accept_other_key = true" in told
    secret = {"FABU__SERVER__SECRET_KEY": "k" * 32}
    assert "server.secret_key is not the secret that the database" in terminal.fabu("run", code=2, **secret)
    assert "fabu.key is not the secret" in terminal.fabu("doctor", code=1)
    for env in ({"FABU__SERVER__ACCEPT_OTHER_KEY": "true"}, {}):
        with terminal.process("run", **env) as process:
            assert process.stderr
            assert any("listens at" in line for line in process.stderr)
            process.terminate()
        key.write_bytes(right)
