"""What people who decide read of an item."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.contents import SECRET, Part, describe_text, describe_workflow
from core.card import Code, ExcerptKind, Text
from core.messages import Message
from core.workflow import JobType, Workflow


def workflow(spec: dict[str, Any]) -> list[Part]:
    return describe_workflow(Workflow.model_validate(spec))


def job(kind: str, spec: dict[str, Any]) -> Part:
    [part] = workflow({"stages": [{"jobs": [{"name": "job", "type": kind, "spec": spec}]}]})
    return part


def test_a_text_is_shown_by_its_first_lines_without_markup() -> None:
    [part] = describe_text("<p>one</p><p>two</p><p>three</p><p>four</p>")
    assert (part.lines, part.more, part.kind) == (("one", "two", "three"), 1, ExcerptKind.QUOTE)
    assert describe_text("") == []


def test_a_script_is_shown_by_the_lines_that_matter() -> None:
    script = "#!/bin/bash\nset -eu\n\n# dump\nmysqldump shop > cart.sql\n  gzip cart.sql\nsha256sum cart.sql.gz\nls\n"
    part = job("freestyle", {"script": script, "envs": [{"key": "KEEP", "value": "7"}]})
    facts = (Text("job"), Code("KEEP=7"))
    assert part == Part(facts, ("mysqldump shop > cart.sql", "  gzip cart.sql"), 2, language="bash")


def test_what_would_be_invisible_is_shown_and_long_lines_are_cut() -> None:
    part = job("freestyle", {"script": f"rm -rf /srv/\u202eabc\n{'x' * 200}"})
    assert part.lines[0] == "rm -rf /srv/⟨U+202E⟩abc"
    assert part.lines[1] == "x" * 119 + "…"


def test_statements_that_are_a_risk_come_first_and_whole() -> None:
    statements = ["INSERT INTO t VALUES (1);"] * 6 + ["DELETE FROM cart;", "DROP TABLE old;"]
    part = job("sql", {"id": "shop_main", "sql": "\n".join(statements)})
    assert (part.facts, part.language) == ((Text("job"), Code("shop_main")), "sql")
    assert part.lines[:2] == ("DELETE FROM cart;", "DROP TABLE old;")
    assert (len(part.lines), part.more) == (4, 4)
    assert [str(risk) for risk in part.risks] == ["DELETE without WHERE", "DROP"]
    many = job("sql", {"id": "db", "sql": "DROP TABLE a;\n" * 9})
    assert (len(many.lines), many.more) == (9, 0)


KEYS = [{"key": "MODE", "value": "fast"}, {"key": "PASSWORD", "value": "hunter2", "is_credential": True}]
REPO = {"repo_name": "shop", "branch": "main", "prs": [7, 8], "commit_id": "0123456789abcdef"}
SPECS: dict[str, tuple[dict[str, Any], tuple[str | Message, ...], tuple[str, ...]]] = {
    "zadig-build": (
        {"service_and_builds": [{"service_name": "api", "image": "r/api:2", "repos": [REPO], "key_vals": KEYS}]},
        (f"api shop@main #7 #8 0123456789ab r/api:2 MODE=fast PASSWORD={SECRET}",),
        (),
    ),
    "zadig-deploy": (
        {
            "env": "prod",
            "production": True,
            "services": [
                {
                    "service_name": "api",
                    "modules": [{"image": "r/api:2"}],
                    "variable_kvs": [{"key": "replicas", "value": 3}],
                    "variable_yaml": "limits:\n  cpu: 2\n",
                }
            ],
        },
        (Message("{environment} (production)", {"environment": "prod"}), "api r/api:2 replicas=3 limits: cpu: 2"),
        (),
    ),
    "zadig-vm-deploy": (
        {"env": "hosts", "service_and_vm_deploys": [{"service_name": "api", "artifact_url": "http://r/api.tgz"}]},
        ("hosts", "api http://r/api.tgz"),
        (),
    ),
    "freestyle": (
        {"repos": [{"repo_name": "ops", "tag": "v1"}], "services": [{"service_name": "api", "key_vals": KEYS}]},
        ("ops@v1", f"api MODE=fast PASSWORD={SECRET}"),
        (),
    ),
    "zadig-test": ({"test_modules": [{"name": "smoke", "repos": [REPO]}]}, ("smoke shop@main #7 #8 0123456789ab",), ()),
    "zadig-scanning": ({"scannings": [{"name": "sonar", "key_vals": KEYS[:1]}]}, ("sonar MODE=fast",), ()),
    "apollo": (
        {
            "namespaceList": [
                {
                    "env": "prod",
                    "namespace": "app",
                    "original_config": [{"key": "ttl", "val": "30"}, {"key": "same", "val": "1"}],
                    "kv": [{"key": "ttl", "val": "90"}, {"key": "same", "val": "1"}, {"key": "new", "val": "on"}],
                }
            ]
        },
        ("prod app",),
        ("-ttl = 30", "+ttl = 90", "+new = on"),
    ),
    "nacos": (
        {
            "nacos_datas": [
                {"namespace_name": "prod", "group": "g", "data_id": "d", "original_content": "a\nb", "content": "a\nc"}
            ]
        },
        ("prod g d",),
        (" a", "-b", "+c"),
    ),
    "sql": ({"id": "shop", "sql": "SELECT 1;"}, ("shop",), ("SELECT 1;",)),
    "zadig-distribute-image": (
        {"targets": [{"service_name": "api", "source_tag": "2.3", "target_tag": "2.4"}]},
        ("api 2.3 → 2.4",),
        (),
    ),
}


@pytest.mark.parametrize("kind", JobType)
def test_each_job_type_says_what_it_changes(kind: JobType) -> None:
    spec, facts, lines = SPECS[kind]
    part = job(kind, spec)
    shown = (Text("job"), *(Code(fact) if isinstance(fact, str) else fact for fact in facts))
    assert (part.facts, part.lines) == (shown, lines)
    assert part.kind is (ExcerptKind.DIFF if kind in ("apollo", "nacos") else ExcerptKind.CODE)


def test_an_unknown_job_type_is_named() -> None:
    assert job("tapd", {"anything": 1}) == Part((Text("job (tapd)"),))


def test_parameters_stand_before_the_jobs_and_idle_jobs_are_left_out() -> None:
    jobs = [{"name": "off", "type": "sql", "run_policy": "skip", "spec": {"id": "db", "sql": "DROP TABLE a"}}]
    params = [{"name": "VERSION", "value": "2.4"}, {"name": "EMPTY"}, {"name": "CODE", "type": "repo", "repo": REPO}]
    parts = workflow({"params": params, "stages": [{"jobs": jobs}]})
    assert parts == [Part((Code("VERSION=2.4"), Code("CODE=shop@main #7 #8 0123456789ab")))]


@given(st.text("abc•*", min_size=4, max_size=12), st.sampled_from(["is_credential", "is_sensitive"]))
def test_no_credential_is_ever_shown(secret: str, mark: str) -> None:
    secret = f"S{secret}S"
    hidden = [{"key": "K", "name": "K", "value": secret, mark: True}]
    specs = {
        "freestyle": {"script": "true", "envs": hidden, "services": [{"key_vals": hidden}]},
        "zadig-build": {"service_and_builds": [{"key_vals": hidden}]},
        "zadig-vm-deploy": {"service_and_vm_deploys": [{"key_vals": hidden}]},
        "zadig-test": {"test_modules": [{"key_vals": hidden}]},
        "zadig-scanning": {"scannings": [{"key_vals": hidden}]},
    }
    jobs = [{"name": kind, "type": kind, "spec": spec} for kind, spec in specs.items()]
    found = workflow({"params": hidden, "stages": [{"jobs": jobs}]})
    assert secret not in json.dumps([str(part) for part in found], ensure_ascii=False)
