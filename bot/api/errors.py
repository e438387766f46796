"""How the API answers errors: the error's status, with `{"code", "message", "params"}` in the request's language."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic_core import to_jsonable_python

from bot.api.models import ErrorAnswer
from bot.api.request import ACTOR, REQUEST_ID, json_response
from bot.i18n import LANGUAGES, error_text, translate
from bot.services import SERVICES
from core.errors import FabuError, Invalid, Problem
from core.messages import Message

log = logging.getLogger(__name__)


class BadRequest(FabuError):
    """The request is not well-formed."""

    code = "bad_request"
    http_status = 400
    message = "The request cannot be read. Send one JSON value in UTF-8, not nested too deeply."


class NoSuchRoute(FabuError):
    """No route has this path."""

    code = "not_found"
    http_status = 404
    message = "There is nothing at this address. /api/openapi.json describes the API."


class MethodNotAllowed(FabuError):
    """No route of this path has this method."""

    code = "method_not_allowed"
    http_status = 405
    message = "This address does not take this method. /api/openapi.json describes the API."


class TooLarge(FabuError):
    """The body is larger than the server accepts."""

    code = "too_large"
    http_status = 413
    message = "The request is too large: a plan may have two megabytes."


class UnsupportedMediaType(FabuError):
    """The Content-Type of the body is not that of JSON."""

    code = "unsupported_media_type"
    http_status = 415
    message = "Send the body as Content-Type: application/json."


class InternalError(FabuError):
    """An unexpected error, which the log has under the id of the request."""

    code = "internal"
    http_status = 500
    message = "Something went wrong inside Fabu. Its log tells more under the request {request_id}."


class Unanswered(FabuError):
    """The request is done, and durable, but its answer cannot be made."""

    code = "done_unanswered"
    http_status = 500
    message = "This is done, but Fabu cannot answer with the result. Do not repeat it: look at plan {number}."


_OF_STATUS: Mapping[int, type[FabuError]] = {
    kind.http_status: kind for kind in (BadRequest, NoSuchRoute, MethodNotAllowed, TooLarge, UnsupportedMediaType)
}
"""What is answered instead of aiohttp's own errors."""


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error of a handler as JSON, in the language of `language_of`."""
    try:
        return await handler(request)
    except FabuError as error:
        return error_response(request, error)
    except (web.RequestPayloadError, ConnectionResetError):  # the body ended early: perhaps nobody waits for an answer
        return error_response(request, BadRequest())
    except web.HTTPException as error:
        if error.status not in _OF_STATUS:
            raise
        response = error_response(request, _OF_STATUS[error.status]())
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception:
        log.exception("request %s failed", request[REQUEST_ID])
        return error_response(request, InternalError(request_id=request[REQUEST_ID]))


@web.middleware
async def refuse_compressed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a compressed body before anybody reads it: it may be a thousand times larger than what was sent."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType(Message("Send the body as it is, without Content-Encoding."))
    return await handler(request)


def error_response(request: web.Request, error: FabuError) -> web.Response:
    """Return the JSON response for an error."""
    language = language_of(request)
    english = {name: str(value) if isinstance(value, Message) else value for name, value in error.params.items()}
    params = to_jsonable_python(english, fallback=str)
    if isinstance(error, Invalid):
        params["problems"] = [problem_fields(problem, language) for problem in error.problems]
    answer = ErrorAnswer(code=error.code, message=error_text(error, language), params=params)
    response = json_response(answer, error.http_status)
    if error.http_status == web.HTTPUnauthorized.status_code:
        response.headers["WWW-Authenticate"] = 'Bearer realm="fabu"'
    if error.http_status == web.HTTPServiceUnavailable.status_code:
        response.headers["Retry-After"] = "1"
    return response


def problem_fields(problem: Problem, language: str) -> dict[str, Any]:
    """Return a problem as JSON, its message in a language."""
    return {
        "path": problem.path,
        "message": translate(problem.message, language, **problem.params),
        "params": to_jsonable_python(problem.params, fallback=str),
    }


def language_of(request: web.Request) -> str:
    """Return the language of an answer: the request's preferred one, else the person's, else the installation's."""
    for tag in _parse_languages(request.headers.get("Accept-Language", "")):
        for language in LANGUAGES:
            if tag[:2].lower() == language[:2]:
                return language
    services = request.config_dict[SERVICES]
    actor = request.get(ACTOR)
    person = services.engine.directory.people.get(actor.id) if actor else None
    return (person.language if person else "") or services.settings.server.language


def _parse_languages(header: str) -> list[str]:
    """Return the language tags of an Accept-Language header, the preferred ones first (RFC 9110, 12.5.4)."""
    weighted = []
    for part in header.split(","):
        tag, _, weight = part.replace(" ", "").partition(";q=")
        try:
            weighted.append((-float(weight or 1), tag))
        except ValueError:
            continue
    return [tag for _, tag in sorted(weighted, key=lambda pair: pair[0])]
