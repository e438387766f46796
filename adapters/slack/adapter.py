"""Slack as an adapter: all its wiring."""

from __future__ import annotations

from adapters.common.adapter import ChatAdapter, Host, Inbox, Listener
from adapters.slack.client import SlackMessenger
from adapters.slack.doctor import findings
from adapters.slack.server import EVENTS_PATH, SlackServer
from adapters.slack.settings import SlackSettings


def open_chat(settings: SlackSettings, host: Host) -> ChatAdapter:
    """Return Slack, not yet listening."""
    messenger = SlackMessenger(settings)

    def listen(inbox: Inbox) -> Listener:
        return SlackServer(settings, messenger, inbox, host.clock)

    return ChatAdapter(
        name="Slack",
        messenger=messenger,
        channel=settings.channel,
        url=settings.api_url,
        posted_to=(EVENTS_PATH,) if settings.mode == "http" else (),
        listen=listen,
        examine=lambda: findings(settings, messenger),
    )
