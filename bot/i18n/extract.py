"""Finds the texts to translate in Python sources, for Babel (`make messages`; `[tool.babel]` in pyproject.toml).

Beyond what Babel finds itself, these are texts too: the `message` of a class of errors, and the words that go into the
text of an error or a report, written as `what="plan"`, `reason="it is busy"`, `message="no such task any more"`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import IO

WORDS = frozenset({"what", "reason", "message"})
"""Parameters whose literal values are texts."""

Found = tuple[int, str | None, str | tuple[str | None, ...], list[str]]
"""Line, keyword, its arguments or the text itself, comments: what Babel asks of an extractor."""


def extract(file: IO[bytes], keywords: Collection[str], _comment_tags: object, options: object) -> Iterator[Found]:
    """Yield the texts of a source file (Babel docs, "Writing Extraction Methods")."""
    for node in ast.walk(ast.parse(file.read())):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                if name in keywords and (arguments := tuple(map(_literal, node.args))):
                    yield node.lineno, name, arguments, []
                for keyword in node.keywords:
                    if keyword.arg in WORDS and (text := _literal(keyword.value)):
                        yield keyword.value.lineno, None, text, []
            case ast.ClassDef():
                yield from _messages(node)
            case _:
                pass


def _messages(definition: ast.ClassDef) -> Iterator[Found]:
    for statement in definition.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id="message")], value=value)
                | ast.AnnAssign(target=ast.Name(id="message"), annotation=ast.Name(id="str"), value=ast.expr() as value)
            ) if text := _literal(value):
                yield statement.lineno, None, text, []


def _literal(expression: ast.expr) -> str | None:
    return expression.value if isinstance(expression, ast.Constant) and isinstance(expression.value, str) else None
