"""How client commands reach a server: the connection options, and the API client made from them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from bot.cli.failure import ExitCode, Failure
from bot.cli.options import DEFAULT_URL, As, Config, Token, Url, terminal_locale
from bot.cli.tokens import temporary_token

if TYPE_CHECKING:
    from bot.cli.client import Api
    from config.settings import Server

P = ParamSpec("P")

_OPTIONS = {"url": (Url, ""), "token": (Token, ""), "act_as": (As, ""), "config": (Config, None)}


def pass_api(command: Callable[Concatenate[Api, P], None]) -> Callable[..., None]:
    """Give a command the options --url, --token, --as and --config, and pass it the API they lead to as `api`."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        options: dict[str, Any] = {name: kwargs.pop(name) for name in _OPTIONS}
        with open_api(**options) as api:
            command(api, *args, **kwargs)

    # The class of the API is not imported yet: the command line must not load an HTTP client to print its help.
    own = list(inspect.signature(command, eval_str=True, locals={"Api": object}).parameters.values())[1:]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _OPTIONS.items()
    ]
    run.__annotations__ = {}
    run.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    return run


@contextmanager
def open_api(url: str, token: str, act_as: str, config: Path | None) -> Iterator[Api]:
    """Yield the API of a server, called as the owner of a token or as the person `act_as`.

    For the person, a token is made in the database and revoked at the end. Raises Failure when neither is given.
    """
    from bot.cli.client import Api

    if act_as:
        from bot.cli.configuration import read_settings

        settings = read_settings(config)
        with temporary_token(settings, act_as) as secret:
            yield Api(url or _local_url(settings.server), secret, terminal_locale().language)
    elif token:
        yield Api(url or DEFAULT_URL, token, terminal_locale().language)
    else:
        raise Failure(
            "Who are you? Give a token with --token or FABU_TOKEN (an administrator makes it with `fabu token create "
            "--as ID`), or name yourself with --as ID and the server's --config on the server's machine.",
            ExitCode.MISUSED,
        )


def _local_url(server: Server) -> str:
    """Return the URL of a server on this machine."""
    hosts = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared with, not listened on
    return f"http://{hosts.get(server.host, server.host)}:{server.port}"
