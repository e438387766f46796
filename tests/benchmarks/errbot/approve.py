"""Clicks as an errbot plugin takes them: a webhook, and the plugin's shelf, which is not durable. Runs in errbot."""

import hashlib
import hmac
import json
import socket
from pathlib import Path

from errbot import BotPlugin, webhook  # type: ignore[import-not-found]

SECRET = b"benchmark"


class Approve(BotPlugin):  # type: ignore[misc]
    """Counts votes."""

    def activate(self) -> None:
        """Start errbot's web server on a free port, and tell it in the file `port`."""
        super().activate()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        plugins = self._bot.plugin_manager
        plugins.set_plugin_configuration("Webserver", {"HOST": "127.0.0.1", "PORT": port, "SSL": None})
        plugins.activate_plugin("Webserver")
        Path(self.bot_config.BOT_DATA_DIR, "port").write_text(str(port))

    @webhook("/slack/events", raw=True)  # type: ignore[untyped-decorator]
    def click(self, request) -> str:  # type: ignore[no-untyped-def]
        """Prove a click, and keep the vote and a line of the log."""
        body = request.get_data(cache=True, parse_form_data=False)
        signed = b"v0:" + request.headers["X-Slack-Request-Timestamp"].encode() + b":" + body
        digest = "v0=" + hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(digest, request.headers["X-Slack-Signature"]):
            raise ValueError("not signed by Slack")
        payload = json.loads(request.form["payload"])
        plan, person = payload["actions"][0]["value"], payload["user"]["id"]
        self[plan] = {"votes": [person], "log": [f"{person} voted"]}
        return "ok"
