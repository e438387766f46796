"""The check-up of the Slack app: the bot token, its scopes, the signing secret, Socket Mode."""

from __future__ import annotations

from adapters.slack.client import SlackClient
from adapters.slack.errors import SlackError, translate_errors
from core.ports.checkup import Finding

SCOPES = (
    "app_mentions:read",
    "chat:write",
    "commands",
    "im:history",
    "im:write",
    "users:read",
    "users:read.email",
)


async def examine(client: SlackClient) -> list[Finding]:
    """Return the findings, that on the bot token first. Raises nothing: a failed call is a finding."""
    found = await _token(client)
    if client.settings.mode == "http":
        found.append(Finding(True, "Slack: requests are proven by the signing secret."))
    elif found[0].ok:
        found.append(await _socket(client))
    return found


async def _token(client: SlackClient) -> list[Finding]:
    try:
        with translate_errors():
            answer = await client.web.auth_test()
    except SlackError as error:
        if error.vendor_code:
            cure = "Install the app in the workspace again and copy its bot token to slack.bot_token"
            return [Finding(False, "Slack refuses the bot token.", f"{cure} ({error.vendor_code}).")]
        cure = f"Let this machine reach {client.settings.api_url}, or check slack.api_url."
        return [Finding(False, "Slack does not answer.", cure)]
    found = [Finding(True, "Slack knows the bot token.")]
    given = answer.headers.get("x-oauth-scopes")
    if given is None:
        return found
    missing = sorted(set(SCOPES) - {scope.strip() for scope in given.split(",")})
    if not missing:
        return [*found, Finding(True, "Slack: the app has all scopes.")]
    cure = f"Add under OAuth & Permissions, then install the app again: {', '.join(missing)}."
    return [*found, Finding(False, "Slack: the app lacks scopes.", cure)]


async def _socket(client: SlackClient) -> Finding:
    try:
        with translate_errors():
            await client.web.apps_connections_open(app_token=client.settings.app_token.get_secret_value())
    except SlackError as error:
        cure = "Enable Socket Mode, and copy an app-level token with connections:write to slack.app_token"
        return Finding(False, "Slack refuses Socket Mode.", f"{cure} ({error.vendor_code}).")
    return Finding(True, "Slack offers Socket Mode.")
