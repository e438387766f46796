"""The wiring of the Feishu adapter."""

from __future__ import annotations

from adapters.common.adapter import ChatAdapter, Host, Inbox, Listener
from adapters.feishu.approval_forms import FeishuForms
from adapters.feishu.cards import Cards
from adapters.feishu.client import FeishuClient
from adapters.feishu.doctor import examine
from adapters.feishu.messenger import FeishuMessenger
from adapters.feishu.server import EVENTS_PATH, FeishuServer
from adapters.feishu.settings import FeishuSettings
from adapters.feishu.words import Words


def open_chat(settings: FeishuSettings, host: Host) -> ChatAdapter:
    """Return the Feishu adapter; it does not receive events yet."""
    client, cards = FeishuClient(settings, host.clock), Cards()

    def listen(inbox: Inbox) -> Listener:
        return FeishuServer(settings, client, cards, inbox, host.clock, words=Words.translate(host.translate))

    return ChatAdapter(
        name="Feishu",
        messenger=FeishuMessenger(client, cards),
        channel=settings.chat_id,
        url=settings.domain,
        inbound_paths=(EVENTS_PATH,) if settings.mode == "http" else (),
        listen=listen,
        examine=lambda: examine(settings, client),
        approval_forms=FeishuForms(client, settings.approval_code),
    )
