"""What the README says is so: commands, settings, samples, links, and the demonstration's own words."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from standardwebhooks.webhooks import WebhookVerificationError

from adapters.dingtalk.approval_forms import FormFields
from adapters.feishu.events import ApprovalInstance, ApprovalTask, CardAction, Message
from adapters.hooks.signing import sign
from adapters.slack.doctor import SCOPES
from bot.api.callback import PATH, CallbackBody
from bot.chat.grammar import parse
from bot.cli import load_commands
from bot.verbs import ALIASES, WORDS
from config.settings import Settings
from core.draft import PlanDraft
from core.status import HookEvent

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FEISHU = {"app_id": "cli_1", "app_secret": "s", "verification_token": "t"}
"""The chat that other sections may refer to."""
SAMPLE = tomllib.loads((ROOT / "config/fabu.toml").read_text(encoding="utf-8"))
COMMANDS: Any = typer.main.get_command(load_commands())


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)
    assert found, f"README.md has no {language}"
    return found


SPANS = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", README, flags=re.M | re.S))
SHELL = [line.partition(" #")[0] for block in blocks("sh") for line in block.splitlines()]
TYPED = sorted({typed.strip() for line in [*SHELL, *SPANS] for typed in re.findall(r"(?:^|\()fabu ([^)]*)", line)})


@pytest.mark.parametrize("typed", TYPED)
def test_commands_are_there_with_their_options(typed: str) -> None:
    command, words = COMMANDS, typed.split()
    while words and hasattr(command, "commands"):
        if words[0] == "--help":
            return
        command = command.commands[words.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_every_command_and_group_is_named() -> None:
    assert {typed.split()[0] for typed in TYPED} | {"run"} == set(COMMANDS.commands)
    groups = {name: group.commands for name, group in COMMANDS.commands.items() if hasattr(group, "commands")}
    for name in groups.keys() - {"plan"}:
        assert {words[1] for words in map(str.split, TYPED) if words[0] == name} >= set(groups[name])


def test_every_word_of_the_chats_is_named_in_both_languages() -> None:
    rows = re.findall(r"^\| (`\w.*?`) \| ([^|]+) \| .* \|$", README, re.M)
    usages = [[usage.replace(r"\|", "|") for usage in re.findall(r"`([^`]+)`", row)] for row, _ in rows]
    verbs = [[parse(usage).verb for usage in row] for row in usages]
    assert {verb for row in verbs for verb in row} == set(ALIASES)
    assert usages == [[WORDS[verb].usage.partition(":")[0] for verb in row if verb] for row in verbs]
    assert [chinese.split() for _, chinese in rows] == [[ALIASES[verb][0] for verb in row if verb] for row in verbs]


def test_every_hook_event_is_named() -> None:
    assert {event.value for event in HookEvent} <= set(SPANS)


def test_settings_that_are_named_exist() -> None:
    named = [span.split(" ")[0] for span in SPANS if re.match(r"[a-z]+\.[a-z_]+(?: =|$)", span)]
    named = [name for name in named if name.split(".")[0] in Settings.model_fields and not name.endswith(".py")]
    assert named
    for name in named:
        section, key = name.split(".")
        assert key in type(getattr(Settings(), section)).model_fields, name


@pytest.mark.parametrize("text", blocks("toml"))
def test_settings_can_be_read(text: str) -> None:
    others = {key: SAMPLE[key] for key in ("people", "groups")} | {"feishu": FEISHU}
    Settings.model_validate(others | tomllib.loads(text))
    uncommented = re.sub(r"^#(?! )", "", text, flags=re.M).replace('aes_key = "…"', f'aes_key = "{"k" * 43}"')
    Settings.model_validate(others | tomllib.loads(uncommented))


@pytest.mark.parametrize("text", blocks("yaml"))
def test_plans_can_be_read(text: str) -> None:
    assert PlanDraft.model_validate(yaml.safe_load(text)).items


def test_bodies_can_be_read() -> None:
    bodies = [json.loads(body) for body in re.findall(r"-d '(.*?)'", "\n".join(SHELL))]
    callback, plan = bodies
    assert CallbackBody.model_validate(callback).hook_event in HookEvent
    assert PlanDraft.model_validate(plan).items
    assert PATH in README


def test_the_receiver_takes_what_is_signed_and_nothing_else() -> None:
    [source] = blocks("python")
    receiver: dict[str, Any] = {}
    exec(source, receiver)  # noqa: S102 - it is ours
    [secret] = set(re.findall(r"whsec_\w{20,}", README))
    body = b'{"release_plan": {"id": "1"}}'
    headers = sign(body, "01", datetime.now(UTC), [secret])
    assert receiver["release_plan"](body, headers) == {"id": "1"}
    with pytest.raises(WebhookVerificationError):
        receiver["release_plan"](body + b" ", headers)


def test_vendors_are_told_what_fabu_needs() -> None:
    events = [kind.TYPE for kind in (Message, CardAction, ApprovalInstance, ApprovalTask)]
    fields = FormFields()
    for word in (*events, fields.title, fields.content, fields.url, fields.key):
        assert word in README
    manifest = json.loads((ROOT / "config/slack_manifest.json").read_text(encoding="utf-8"))
    assert tuple(manifest["oauth_config"]["scopes"]["bot"]) == SCOPES
    assert README.count("https://PUBLIC_URL") == 1
    assert '"socket_mode_enabled": false' in json.dumps(manifest)


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"\bmake ([a-z]+)\b(?=[`\s]*(?:#|`|$|CONFIG))", README, re.M)))
)
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)


def test_links_and_files_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in re.findall(r"^#+ (.*)", README, re.M)
    }
    security = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for text in (README, security):
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if link.startswith("#"):
                assert link[1:] in anchors, link
            elif "://" not in link:
                assert (ROOT / link).exists(), link
    for path in re.findall(r"\b(?:core|adapters|bot|config|tests)/[\w./]*\w(?![\w*])", README + security):
        assert (ROOT / path).exists(), path


def test_the_demonstration_says_what_the_readme_shows() -> None:
    [shown] = [block for block in blocks("text") if "▸" in block]
    played = subprocess.run(
        [sys.executable, "-c", "from bot.cli import main; main()", "demo", "--once", "--language", "en"],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    lines = iter(line.rstrip() for line in played.stdout.splitlines())
    assert [line for line in shown.splitlines() if line not in lines] == []


def test_deploy_files_start_what_there_is() -> None:
    unit = (ROOT / "config/deploy/fabu.service").read_text(encoding="utf-8")
    compose = yaml.safe_load((ROOT / "config/deploy/compose.yaml").read_text(encoding="utf-8"))
    image = (ROOT / "config/deploy/Dockerfile").read_text(encoding="utf-8")
    assert "/fabu run --config " in unit
    assert compose["services"]["upgrade"]["command"] == ["db", "upgrade"]
    for copied in re.findall(r"^COPY (.*) \S+$", image, re.M):
        assert all((ROOT / name).exists() for name in copied.split())
    variables = set(re.findall(r"FABU__\w+", json.dumps(compose)))
    for _, section, key in (name.lower().split("__") for name in variables):
        assert key in type(getattr(Settings(), section)).model_fields


def test_the_way_of_a_click_is_that_of_the_code() -> None:
    """Every file of the picture exists, and defines what its arrows call."""
    [picture] = blocks("mermaid")
    files = dict(re.findall(r"participant (\w+) as (\S+)", picture))
    calls = re.findall(r"->>(\w+): ([\w.]+)\(", picture)
    assert len(calls) > 7
    for participant, call in calls:
        tree = ast.parse((ROOT / files[participant]).read_text(encoding="utf-8"))
        for name in call.split("."):
            [tree] = [node for node in ast.walk(tree) if getattr(node, "name", "") == name]


def test_the_rooms_of_what_is_new_exist() -> None:
    table = README.partition("| to add |")[2].partition("## ")[0]
    rooms = re.findall(r"`((?:core|bot|adapters|config|tests)/[\w./]*)`", table)
    assert len(rooms) > 8
    assert [room for room in rooms if not (ROOT / room).exists()] == []
