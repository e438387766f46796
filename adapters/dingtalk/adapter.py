"""The wiring of the DingTalk adapter."""

from __future__ import annotations

from adapters.common.adapter import ChatAdapter, Host, Inbox, Listener
from adapters.common.proxies import open_proxied_session
from adapters.dingtalk.approval_forms import DingTalkForms
from adapters.dingtalk.client import DingTalkClient
from adapters.dingtalk.doctor import examine
from adapters.dingtalk.messenger import DingTalkMessenger
from adapters.dingtalk.server import CARD_PATH, PATHS, DingTalkServer
from adapters.dingtalk.settings import DingTalkSettings
from adapters.dingtalk.words import Words


def open_chat(settings: DingTalkSettings, host: Host) -> ChatAdapter:
    """Return the DingTalk adapter; it does not receive events yet. Needs a running loop.

    Raises ValueError for URLs that are not secure.
    """
    client = DingTalkClient(settings, open_proxied_session(), host.clock)
    messenger = DingTalkMessenger(client, Words.translate(host.translate, host.words))

    def listen(inbox: Inbox) -> Listener:
        return DingTalkServer(settings, messenger, inbox, host.clock, host.public_url)

    async def prepare() -> None:
        if settings.mode == "http" and settings.card_template_id:
            await client.register_card_callback(
                f"{host.public_url}{CARD_PATH}", settings.card_secret.get_secret_value()
            )

    return ChatAdapter(
        name="DingTalk",
        messenger=messenger,
        channel=settings.conversation_id,
        url=settings.api_url,
        inbound_paths=PATHS if settings.mode == "http" else (),
        listen=listen,
        prepare=prepare,
        examine=lambda: examine(client, host.public_url),
        approval_forms=DingTalkForms(client, host.clock, settings.process_code) if settings.process_code else None,
    )
