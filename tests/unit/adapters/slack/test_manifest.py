"""The manifest asks for what the adapter uses."""

from __future__ import annotations

import json
from pathlib import Path

from adapters.slack.doctor import SCOPES
from adapters.slack.settings import SlackSettings

MANIFEST = json.loads((Path(__file__).parents[4] / "config/slack_manifest.json").read_text(encoding="utf-8"))


def test_scopes_are_those_that_the_check_up_wants() -> None:
    assert MANIFEST["oauth_config"]["scopes"]["bot"] == list(SCOPES)


def test_one_address_for_everything() -> None:
    [command] = MANIFEST["features"]["slash_commands"]
    settings = MANIFEST["settings"]
    addresses = {
        command["url"],
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
    }
    assert addresses == {"https://PUBLIC_URL/slack/events"}
    assert command["command"] == SlackSettings().command


def test_mentions_are_sent_with_the_ids_of_their_users() -> None:
    [command] = MANIFEST["features"]["slash_commands"]
    assert command["should_escape"] is True


def test_events_are_those_that_are_handled() -> None:
    assert MANIFEST["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened", "app_mention", "message.im"]
