"""The wiring of the Feishu adapter."""

from __future__ import annotations

from adapters.common.adapter import ChatAdapter, Host, Inbox, Listener
from adapters.common.texts import UNREACHABLE
from adapters.feishu.approval_forms import FeishuForms
from adapters.feishu.client import FeishuClient
from adapters.feishu.doctor import examine
from adapters.feishu.messenger import FeishuMessenger
from adapters.feishu.server import EVENTS_PATH, FeishuServer
from adapters.feishu.settings import FeishuSettings


def open_chat(settings: FeishuSettings, host: Host) -> ChatAdapter:
    """Return the Feishu adapter; it does not receive events yet."""
    client = FeishuClient(settings, host.clock)

    def listen(inbox: Inbox) -> Listener:
        return FeishuServer(settings, client, inbox, host.clock, unreachable=host.translate(UNREACHABLE))

    return ChatAdapter(
        name="Feishu",
        messenger=FeishuMessenger(client),
        channel=settings.chat_id,
        url=settings.domain,
        inbound_paths=(EVENTS_PATH,) if settings.mode == "http" else (),
        listen=listen,
        examine=lambda: examine(settings, client),
        approval_forms=FeishuForms(client, settings.approval_code),
    )
