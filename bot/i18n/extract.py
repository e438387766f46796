"""The extractor of Python sources for Babel (`make messages`; `[tool.babel]` in pyproject.toml).

In addition to what Babel's own extractor does, it extracts the `message` of error classes. Where a keyword is a type,
such as `Message`, the text must be a literal: a text that is put together at run time is in no catalogue.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

Extracted = tuple[int, str | None, str | tuple[str | None, ...], list[str]]
"""What Babel requires from an extractor: line, keyword, its arguments or the text itself, comments."""


class NotLiteralError(ValueError):
    """A text is not a literal and so cannot be translated; the message has its file and line."""


def extract(
    file: IO[bytes], keywords: Collection[str], _comment_tags: object, options: Mapping[str, Any]
) -> Iterator[Extracted]:
    """Yield the texts of a source file (Babel docs, "Writing Extraction Methods").

    Raises NotLiteralError when a keyword that is a type has a text that is not a literal.
    """
    positions = options.get("keywords", {})
    for node in ast.walk(ast.parse(file.read())):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in keywords:
                arguments = tuple(map(_literal, node.args))
                (position,) = positions.get(name) or (1,)
                if name[0].isupper() and not any(arguments[position - 1 : position]):
                    raise NotLiteralError(f"{file.name}:{node.lineno}: the text of {name} is not a literal")
                if arguments:
                    yield node.lineno, name, arguments, []
            case ast.ClassDef():
                yield from _extract_message(node)
            case _:
                pass


def _extract_message(definition: ast.ClassDef) -> Iterator[Extracted]:
    """Yield the text of a class attribute `message`."""
    for statement in definition.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id="message")], value=value)
                | ast.AnnAssign(target=ast.Name(id="message"), annotation=ast.Name(id="str"), value=ast.expr() as value)
            ) if text := _literal(value):
                yield statement.lineno, None, text, []


def _literal(expression: ast.expr) -> str | None:
    """Return the value of a string literal; None for any other expression."""
    return expression.value if isinstance(expression, ast.Constant) and isinstance(expression.value, str) else None
