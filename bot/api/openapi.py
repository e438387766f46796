"""Builds the OpenAPI 3.1 document of the API from its endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import FrozenSetSchema

from bot.api.models import ErrorAnswer
from bot.api.routing import KEY_HEADER, REVISION_HEADER, Endpoint

_Model = tuple[type[BaseModel], JsonSchemaMode]
_JSON = "application/json"
_ALWAYS = (401, 403, 503)
"""Error statuses of every endpoint."""
_WITH_BODY = (400, 413, 415, 422)
"""Error statuses of an endpoint that reads a body."""
_CODES = {400: "bad_request", 413: "too_large", 415: "unsupported_media_type", 422: "invalid", 412: "stale_revision"}
_HEADERS: Mapping[str, Mapping[str, Any]] = {
    KEY_HEADER: {
        "description": "The same key again changes nothing and answers with what came of it the first time.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    },
    REVISION_HEADER: {
        "description": "The revision of the plan that was seen; refused with 412 when it has changed since.",
        "schema": {"type": "string", "pattern": '^(\\*|"[0-9]{1,9}"|[0-9]{1,9})$'},
    },
    "Last-Event-ID": {
        "description": "Goes on after this event.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    },
}
_PATH_VALUE = {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}
_ETAG = {"ETag": {"description": "The revision of the plan.", "schema": {"type": "string"}}}


class _Schemas(GenerateJsonSchema):
    """Describes sets as the API reads them: as lists in which an entry may come twice."""

    def frozenset_schema(self, schema: FrozenSetSchema) -> JsonSchemaValue:
        """Return the schema of a set without `uniqueItems`."""
        return {key: value for key, value in super().frozenset_schema(schema).items() if key != "uniqueItems"}


def build_document(endpoints: Sequence[Endpoint], server: str) -> dict[str, Any]:
    """Return the document for endpoints below the URL of a server."""
    references, definitions = models_json_schema(
        sorted(set(_models(endpoints)), key=lambda pair: (pair[0].__name__, pair[1])),
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fabu", "version": version("fabu"), "description": "Release plans: approved, then executed."},
        "servers": [{"url": server}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _models(endpoints: Iterable[Endpoint]) -> Iterable[_Model]:
    yield ErrorAnswer, "serialization"
    for endpoint in endpoints:
        yield from ((model, "validation") for model in (endpoint.body, endpoint.query) if model)
        if endpoint.answer:
            yield endpoint.answer, "serialization"


def _operation(endpoint: Endpoint, references: Mapping[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _identifier(endpoint),
        "summary": endpoint.summary,
        "tags": [endpoint.path.split("/")[1]],
        "parameters": [*_path(endpoint), *_query(endpoint), *_request_headers(endpoint)],
        "responses": _responses(endpoint, references),
    }
    if endpoint.body:
        content: dict[str, Any] = {"schema": references[endpoint.body, "validation"]}
        if endpoint.example:
            content["example"] = endpoint.example
        required = any(field.is_required() for field in endpoint.body.model_fields.values())
        operation["requestBody"] = {"required": required, "content": {_JSON: content}}
    return operation


def _identifier(endpoint: Endpoint) -> str:
    return "_".join([endpoint.method.lower(), *re.findall(r"\w+", endpoint.path)])


def _path(endpoint: Endpoint) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", endpoint.path)
    return [{"name": name, "in": "path", "required": True, "schema": _PATH_VALUE} for name in names]


def _query(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    schema = endpoint.query.model_json_schema()
    inlined = [(name, _inline(field, schema)) for name, field in schema.get("properties", {}).items()]
    return [{"name": name, "in": "query", "schema": field} for name, field in inlined]


def _inline(field: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a field without references, and without null, which a query string cannot hold."""
    choices = [choice for choice in field.get("anyOf", [field]) if choice.get("type") != "null"]
    inner = [schema["$defs"][choice["$ref"].rsplit("/", 1)[1]] if "$ref" in choice else choice for choice in choices]
    return inner[0] if len(inner) == 1 else {"anyOf": inner}


def _request_headers(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [{"name": name, "in": "header", **_HEADERS[name]} for name in endpoint.request_headers]


def _responses(endpoint: Endpoint, references: Mapping[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": HTTPStatus(endpoint.status).phrase}
    if endpoint.answer:
        success["content"] = {_JSON: {"schema": references[endpoint.answer, "serialization"]}}
    elif endpoint.status == HTTPStatus.OK:
        success["content"] = {"text/event-stream": {"schema": {"type": "string"}}}
    if REVISION_HEADER in endpoint.request_headers and endpoint.answer:
        success["headers"] = _ETAG
    responses = {str(endpoint.status): success}
    for status in sorted({*_ALWAYS, *endpoint.refusals, *_implied_statuses(endpoint)}):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {_JSON: {"schema": references[ErrorAnswer, "serialization"], "example": _error(status)}},
        }
    return responses


def _implied_statuses(endpoint: Endpoint) -> tuple[int, ...]:
    if endpoint.body:
        return _WITH_BODY
    return (422,) if endpoint.query or endpoint.request_headers else ()


def _error(status: int) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    return {"code": _CODES.get(status, phrase.lower().replace(" ", "_")), "message": f"{phrase}: …", "params": {}}
