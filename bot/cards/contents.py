"""What an item does, for the people who decide on it: facts, the lines that matter, and what is risky.

Credentials never appear. Everything else that runs is named, or counted where it finds no room.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import unified_diff
from functools import singledispatch
from typing import Final

from bot.cards.naming import shorten
from bot.cards.statements import parse_statements
from bot.richtext import to_plain
from core.card import Code, ExcerptKind, Span, Text
from core.messages import Message
from core.text import reveal_invisible
from core.workflow import (
    MASK,
    ApolloSpec,
    BuildSpec,
    DeploySpec,
    DistributeImageSpec,
    FreestyleSpec,
    KeyVal,
    NacosSpec,
    NamedScanning,
    NamedTest,
    Param,
    Repo,
    RunTestsSpec,
    ScanningSpec,
    ServiceAndScanning,
    ServiceAndTest,
    SqlSpec,
    VmDeploySpec,
    Workflow,
    WorkflowJob,
    mask_credentials,
)

SECRET: Final = "•••"  # noqa: S105 - what is shown in place of one
"""What stands for a credential: it says neither its value nor its length."""
_SCRIPT_LINES, _SQL_LINES, _TEXT_LINES, _DIFF_LINES = 2, 4, 3, 12
"""How many lines are shown of each sort of text."""
_LINE: Final = 120
"""How many characters of a line are shown."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that an item does: facts in short, lines to the letter, how many lines more there are, and risks.

    A fact that is a message is about production. `kind` and `language` are those of the lines.
    """

    facts: tuple[Span | Message, ...] = ()
    lines: tuple[str, ...] = ()
    more: int = 0
    risks: tuple[Message, ...] = ()
    kind: ExcerptKind = ExcerptKind.CODE
    language: str = ""


def describe_text(content: str) -> list[Part]:
    """Return the first lines of a text to follow."""
    shown, more = _first(to_plain(content).splitlines(), _TEXT_LINES)
    return [Part(lines=shown, more=more, kind=ExcerptKind.QUOTE)] if shown else []


def describe_workflow(workflow: Workflow) -> list[Part]:
    """Return the parameters and jobs of a workflow."""
    workflow = mask_credentials(workflow)
    parameters = _codes(_value(param.name, param) for param in workflow.params if _is_given(param))
    jobs = [part for stage in workflow.stages for job in stage.jobs if job.runs for part in _job(job)]
    return [Part(parameters), *jobs] if parameters else jobs


def _job(job: WorkflowJob) -> Iterator[Part]:
    """Yield what one job does; its name stands first."""
    for part in _describe(job.spec):
        name = job.name or job.type if job.known else f"{job.name} ({job.type})"
        yield replace(part, facts=(Text(_clean(name)), *part.facts) if name else part.facts)


@singledispatch
def _describe(spec: object) -> Iterable[Part]:
    """Return what a job does by its spec. Of a job of an unknown type nothing but its name is known."""
    return [Part()]


@_describe.register
def _(spec: FreestyleSpec) -> Iterable[Part]:
    services = (_named(each.service_name, *_sources(each.repos), *_values(each.key_vals)) for each in spec.services)
    shown, more = _first(_lines_that_matter(spec.script), _SCRIPT_LINES)
    facts = _codes((*_sources(spec.repos), *_values(spec.envs), *services))
    return [Part(facts, shown, more, language="bash")]


@_describe.register
def _(spec: SqlSpec) -> Iterable[Part]:
    """Show the first lines of the statements; the lines of those that are a risk come first, all of them."""
    statements = parse_statements(spec.sql)
    risky = [line for each in statements if each.risk for line in each.lines]
    other = [line for each in statements if not each.risk for line in each.lines]
    shown, more = _first([*risky, *other], max(_SQL_LINES, len(risky)))
    risks = tuple(each.risk for each in statements if each.risk)
    return [Part(_codes([spec.id]), shown, more, risks, language="sql")]


@_describe.register
def _(spec: ApolloSpec) -> Iterable[Part]:
    for namespace in spec.namespace_list:
        before = {entry.key: entry.val for entry in namespace.original_config}
        changed = [entry for entry in namespace.kv if before.get(entry.key) != entry.val]
        lines = (line for entry in changed for line in _key_changes(entry.key, before.get(entry.key), entry.val))
        shown, more = _first(lines, _DIFF_LINES)
        yield Part(_codes([_named(namespace.env, namespace.namespace)]), shown, more, kind=ExcerptKind.DIFF)


@_describe.register
def _(spec: NacosSpec) -> Iterable[Part]:
    for data in spec.nacos_datas:
        changes = unified_diff(data.original_content.splitlines(), data.content.splitlines(), lineterm="", n=1)
        shown, more = _first((line for line in [*changes][2:] if not line.startswith("@@")), _DIFF_LINES)
        facts = _codes([_named(data.namespace_name or data.namespace_id, data.group, data.data_id)])
        yield Part(facts, shown, more, kind=ExcerptKind.DIFF)


@_describe.register
def _(spec: BuildSpec) -> Iterable[Part]:
    return [
        Part(
            _codes(
                _named(each.service_name, *_sources(each.repos), each.image, *_values(each.key_vals))
                for each in spec.service_and_builds
            )
        )
    ]


@_describe.register
def _(spec: DeploySpec) -> Iterable[Part]:
    services = []
    for each in spec.services:
        images = (module.image for module in each.modules)
        values = (f"{one.key}={one.value}" for one in each.variable_kvs)
        texts = (" ".join(text.split()) for text in (each.variable_yaml, each.override_kvs))
        services.append(_named(each.service_name, *images, *values, *texts))
    return [Part((*_environment(spec), *_codes(services)))]


@_describe.register
def _(spec: VmDeploySpec) -> Iterable[Part]:
    services = []
    for each in spec.service_and_vm_deploys:
        artifact = each.image or each.artifact_url or each.file_name
        services.append(_named(each.service_name, artifact, *_sources(each.repos), *_values(each.key_vals)))
    return [Part((*_environment(spec), *_codes(services)))]


@_describe.register(RunTestsSpec)
@_describe.register(ScanningSpec)
def _(spec: RunTestsSpec | ScanningSpec) -> Iterable[Part]:
    checks: list[ServiceAndTest | NamedTest | ServiceAndScanning | NamedScanning] = (
        [*spec.service_and_tests, *spec.test_modules]
        if isinstance(spec, RunTestsSpec)
        else [*spec.service_and_scannings, *spec.scannings]
    )
    return [Part(_codes(_named(each.name, *_sources(each.repos), *_values(each.key_vals)) for each in checks))]


@_describe.register
def _(spec: DistributeImageSpec) -> Iterable[Part]:
    copies = []
    for each in spec.targets:
        source, target = each.source_image or each.source_tag, each.target_image or each.target_tag
        copies.append(_named(each.service_name, source, *(("→", target) if target else ())))
    return [Part(_codes(copies))]


def _lines_that_matter(script: str) -> list[str]:
    """Return the lines of a script without its shebang, `set -…`, comments and blank lines."""
    lines = (line.rstrip() for line in script.splitlines())
    return [line for line in lines if line.strip() and not line.lstrip().startswith(("#", "set -"))]


def _environment(spec: DeploySpec | VmDeploySpec) -> tuple[Span | Message, ...]:
    """Return the environment as a fact."""
    if spec.production:
        return (Message("{environment} (production)", {"environment": _clean(spec.env)}),)
    return _codes([spec.env])


def _key_changes(key: str, before: str | None, after: str) -> Iterator[str]:
    """Yield the change of a configuration key as lines of a diff."""
    if before is not None:
        yield f"-{key} = {before}"
    yield f"+{key} = {after}"


def _codes(facts: Iterable[str]) -> tuple[Span, ...]:
    """Return facts to the letter."""
    return tuple(Code(shorten(_clean(fact), _LINE)) for fact in facts if fact)


def _named(name: str, *parts: str) -> str:
    return " ".join(filter(None, (name, *parts)))


def _sources(repos: Iterable[Repo]) -> Iterator[str]:
    """Yield each repository with what is checked out: branch or tag, pull requests, commit."""
    for repo in repos:
        pulls = (f"#{number}" for number in repo.prs)
        yield _named(f"{repo.repo_name}@{repo.tag or repo.branch}", *pulls, repo.commit_id[:12])


def _values(variables: Iterable[KeyVal]) -> Iterator[str]:
    return (_value(each.key, each) for each in variables if _is_given(each))


def _is_given(variable: Param | KeyVal) -> bool:
    return bool(variable.value or variable.choice_value or (isinstance(variable, Param) and variable.repo))


def _value(name: str, variable: Param | KeyVal) -> str:
    if isinstance(variable, Param) and variable.repo:
        return f"{name}={' '.join(_sources([variable.repo]))}"
    return f"{name}={variable.value or ','.join(variable.choice_value)}"


def _first(lines: Iterable[str], limit: int) -> tuple[tuple[str, ...], int]:
    """Return the first lines, each cut to a readable length, and how many more there are."""
    every = [_clean(line) for line in lines]
    shown = tuple(shorten(line, _LINE) for line in every[:limit])
    return shown, len(every) - len(shown)


def _clean(text: str) -> str:
    return reveal_invisible(text).replace(MASK, SECRET)
