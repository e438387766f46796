"""Finds the texts to translate in Python sources, for Babel (`make messages`; `[tool.babel]` in pyproject.toml).

Beyond what Babel finds itself, the `message` of a class of errors is a text too. Where a keyword is a type, as
`Message` is, its text has to be a literal: one that is put together while the program runs is in no catalogue.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

Found = tuple[int, str | None, str | tuple[str | None, ...], list[str]]
"""Line, keyword, its arguments or the text itself, comments: what Babel asks of an extractor."""


class NotLiteralError(ValueError):
    """A text that cannot be translated; names its file and line."""


def extract(
    file: IO[bytes], keywords: Collection[str], _comment_tags: object, options: Mapping[str, Any]
) -> Iterator[Found]:
    """Yield the texts of a source file (Babel docs, "Writing Extraction Methods").

    Raises NotLiteralError for a text of a type that is no literal.
    """
    places = options.get("keywords", {})
    for node in ast.walk(ast.parse(file.read())):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in keywords:
                arguments = tuple(map(_literal, node.args))
                (place,) = places.get(name) or (1,)
                if name[0].isupper() and not any(arguments[place - 1 : place]):
                    raise NotLiteralError(f"{file.name}:{node.lineno}: the text of {name} is not a literal")
                if arguments:
                    yield node.lineno, name, arguments, []
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
