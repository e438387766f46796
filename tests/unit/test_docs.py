"""What the documentation says is so: commands, settings, samples, links, and the demonstration's own words.

The references of plans, verbs, statuses and routes are held in `test_docs_reference.py`.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
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
from bot.cli import load_commands
from config.reference import render_reference
from config.settings import Settings
from core.draft import ApprovalDraft, PlanDraft
from core.status import HookEvent
from tests.pages import PAGES, ROOT, TEXT, anchors_of, find_blocks, find_spans

FEISHU = {"app_id": "cli_1", "app_secret": "s", "verification_token": "t"}
"""The chat that other sections may refer to."""
SAMPLE = tomllib.loads((ROOT / "config/fabu.toml").read_text(encoding="utf-8"))
COMMANDS: Any = typer.main.get_command(load_commands())
SPANS = find_spans()
SHELL = [line.partition(" #")[0] for block in find_blocks("sh") for line in block.splitlines()]
TYPED = sorted({typed.strip() for line in [*SHELL, *SPANS] for typed in re.findall(r"(?:^|\()fabu ([^)]*)", line)})
LONGEST = 400


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_not_too_long(page: str) -> None:
    assert len(PAGES[page].splitlines()) < LONGEST


def test_the_index_has_every_page() -> None:
    index = PAGES["docs/README.md"]
    assert [page for page in PAGES if page.startswith("docs/") and f"({page[5:]})" not in index] == ["docs/README.md"]


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith(".zh.md") and "README" not in page])
def test_a_chinese_page_has_the_parts_of_the_english_one(page: str) -> None:
    english = PAGES[page.replace(".zh.md", ".md")]
    assert re.findall("^#+ ", PAGES[page], re.M) == re.findall("^#+ ", english, re.M)
    assert len(re.findall("^[|]", PAGES[page], re.M)) == len(re.findall("^[|]", english, re.M))
    for language in ("toml", "yaml", "sh"):
        assert len(find_blocks(language, PAGES[page])) == len(find_blocks(language, english))


@pytest.mark.parametrize("typed", TYPED)
def test_commands_are_there_with_their_options(typed: str) -> None:
    command, words = COMMANDS, typed.split()
    while words and hasattr(command, "commands"):
        if words[0].startswith("-"):
            return
        command = command.commands[words.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_every_command_and_group_is_named() -> None:
    assert {typed.split()[0] for typed in TYPED if typed[0] != "-"} == set(COMMANDS.commands)
    groups = {name: group.commands for name, group in COMMANDS.commands.items() if hasattr(group, "commands")}
    for name in groups.keys() - {"plan"}:
        assert {words[1] for words in map(str.split, TYPED) if words[0] == name} >= set(groups[name])


def test_settings_that_are_named_exist() -> None:
    named = [span.split(" ")[0] for span in SPANS if re.match(r"[a-z]+\.[a-z_]+(?: =|$)", span)]
    named = [name for name in named if name.split(".")[0] in Settings.model_fields and not name.endswith(".py")]
    assert len(named) > 20
    for name in named:
        section, key = name.split(".")
        in_plans = ApprovalDraft.model_fields if section == "approval" else {}
        assert key in {*type(getattr(Settings(), section)).model_fields, *in_plans}, name


def test_the_reference_of_settings_is_made_from_them() -> None:
    assert PAGES["docs/settings.md"] == render_reference()


@pytest.mark.parametrize("text", find_blocks("toml"))
def test_settings_can_be_read(text: str) -> None:
    others = {key: SAMPLE[key] for key in ("people", "groups", "auth")} | {"feishu": FEISHU}
    if "[[people]]" in text:
        others = {}
    Settings.model_validate(others | tomllib.loads(text))
    uncommented = re.sub(r"^#(?! )", "", text, flags=re.M).replace('aes_key = "…"', f'aes_key = "{"k" * 43}"')
    Settings.model_validate(others | tomllib.loads(uncommented))


def test_bodies_can_be_read() -> None:
    bodies = [json.loads(body) for body in re.findall(r"-d '(.*?)'", "\n".join(SHELL))]
    [callback] = [body for body in bodies if "hook_event" in body]
    assert CallbackBody.model_validate(callback).hook_event in HookEvent
    [plan] = [body for body in bodies if "items" in body]
    assert PlanDraft.model_validate(plan).items
    assert PATH in PAGES["docs/hooks.md"]
    assert {event.value for event in HookEvent} <= set(find_spans(PAGES["docs/hooks.md"]))


def test_the_receiver_takes_what_is_signed_and_nothing_else() -> None:
    [source] = find_blocks("python")
    receiver: dict[str, Any] = {}
    exec(source, receiver)  # noqa: S102 - it is ours
    [secret] = set(re.findall(r"whsec_\w{20,}", TEXT))
    body = b'{"release_plan": {"id": "1"}}'
    headers = sign(body, "01", datetime.now(UTC), [secret])
    assert receiver["release_plan"](body, headers) == {"id": "1"}
    with pytest.raises(WebhookVerificationError):
        receiver["release_plan"](body + b" ", headers)


@pytest.mark.parametrize("language", ["", ".zh"])
def test_vendors_are_told_what_fabu_needs(language: str) -> None:
    feishu, dingtalk = PAGES[f"docs/feishu{language}.md"], PAGES[f"docs/dingtalk{language}.md"]
    for kind in (Message, CardAction, ApprovalInstance, ApprovalTask):
        assert f"`{kind.TYPE}`" in feishu
    fields = FormFields()
    for word in (fields.title, fields.content, fields.url, fields.key):
        assert word in dingtalk


def test_the_manifest_brings_what_the_guide_names() -> None:
    manifest = json.loads((ROOT / "config/slack_manifest.json").read_text(encoding="utf-8"))
    assert tuple(manifest["oauth_config"]["scopes"]["bot"]) == SCOPES
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert {*SCOPES, *events} <= set(find_spans(PAGES["docs/slack.md"]))
    assert json.dumps(manifest).count("https://PUBLIC_URL") == 3
    assert '"socket_mode_enabled": false' in json.dumps(manifest)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z]+)\b", TEXT, re.M))))
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("page", PAGES)
def test_links_and_files_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(target.read_text(encoding="utf-8")), link
    for path in re.findall(r"(?<![\w/.])(?:core|adapters|bot|config|tests)/[\w./]*\w(?![\w*])", PAGES[page]):
        assert (ROOT / path).exists(), path


def test_the_picture_is_small() -> None:
    assert 0 < (ROOT / "docs/images/card.png").stat().st_size < 150_000


def test_the_demonstration_says_what_the_readme_shows() -> None:
    [shown] = [block for block in find_blocks("text", PAGES["README.md"]) if "▸" in block]
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
    [picture] = find_blocks("mermaid")
    files = dict(re.findall(r"participant (\w+) as (\S+)", picture))
    calls = re.findall(r"->>(\w+): ([\w.]+)\(", picture)
    assert len(calls) > 7
    for participant, call in calls:
        tree = ast.parse((ROOT / files[participant]).read_text(encoding="utf-8"))
        for name in call.split("."):
            [tree] = [node for node in ast.walk(tree) if getattr(node, "name", "") == name]


def test_the_rooms_of_what_is_new_exist() -> None:
    table = PAGES["docs/development.md"].partition("| to add |")[2].partition("## ")[0]
    rooms = re.findall(r"`((?:core|bot|adapters|config|tests)/[\w./]*)`", table)
    assert len(rooms) > 8
    assert [room for room in rooms if not (ROOT / room).exists()] == []
