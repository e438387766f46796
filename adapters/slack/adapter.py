"""The wiring of the Slack adapter."""

from __future__ import annotations

from adapters.common.adapter import ChatAdapter, Host, Inbox, Listener
from adapters.common.texts import NOT_NOW
from adapters.slack.client import SlackClient
from adapters.slack.doctor import examine
from adapters.slack.messenger import SlackMessenger
from adapters.slack.server import EVENTS_PATH, SlackServer
from adapters.slack.settings import SlackSettings


def open_chat(settings: SlackSettings, host: Host) -> ChatAdapter:
    """Return the Slack adapter; it does not receive events yet."""
    client = SlackClient(settings)

    def listen(inbox: Inbox) -> Listener:
        return SlackServer(settings, client, inbox, host.clock, not_now=host.translate(NOT_NOW))

    return ChatAdapter(
        name="Slack",
        messenger=SlackMessenger(client),
        channel=settings.channel,
        url=settings.api_url,
        inbound_paths=(EVENTS_PATH,) if settings.mode == "http" else (),
        listen=listen,
        examine=lambda: examine(client),
    )
