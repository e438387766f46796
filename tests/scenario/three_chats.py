"""One Fabu among Slack, Feishu and DingTalk, and what is seen in each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.settings import Settings
from core.ports.clock import Clock
from tests.scenario import dingtalk_case, feishu_case
from tests.scenario.office import PEOPLE, Fabu, Json, eventually, opened, written_for
from tests.scenario.slack_users import CHANNEL, IDS, User, cards, thread
from tests.simulators.feishu_cards import text_of as feishu_text
from tests.simulators.feishu_platform import FeishuPlatform
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import text_of as slack_text


@dataclass(frozen=True)
class Three:
    """One Fabu, and the three chats around it."""

    fabu: Fabu
    slack: SlackSimulator
    feishu: feishu_case.Office
    dingtalk: dingtalk_case.Office

    def in_slack(self, name: str) -> User:
        """Return one of the people in front of Slack."""
        return User(self.slack, IDS[name])

    def cards(self) -> dict[str, list[str]]:
        """Return what is read on every lasting card, by chat."""
        messages = self.feishu.feishu.messages.values()
        return {
            "slack": list(map(slack_text, cards(self.slack))),
            "feishu": [feishu_text(m.content) for m in messages if m.msg_type == "interactive" and not m.parent_id],
            "dingtalk": [
                dingtalk_case.text_of(card)
                for chat in (dingtalk_case.GROUP, *PEOPLE)
                for card in self.dingtalk.ding.cards(chat)
                if not card.out_track_id.startswith("reply-")
            ],
        }

    def threads(self) -> list[list[str]]:
        """Return the lines that were written below the plan, chat by chat."""
        return [thread(self.slack), self.feishu.thread(), self.dingtalk.thread()]

    async def until_all_cards_show(self, *words: str) -> dict[str, int]:
        """Wait until every card everywhere shows all these words; return how many there are, by chat."""

        async def lacking() -> list[str]:
            found = self.cards()
            texts = [text for chat in found.values() for text in chat if not all(word in text for word in words)]
            return texts + [f"no card in {chat}" for chat, texts in found.items() if not texts]

        await eventually(lacking, wanted=lambda texts: not texts)
        return {chat: len(texts) for chat, texts in self.cards().items()}

    async def until_all_threads_end(self, *ending: str) -> list[str]:
        """Wait until all chats were told this at last, and the same before; return what they were told."""

        async def told() -> list[list[str]]:
            return self.threads()

        [lines, *others] = await eventually(told, wanted=lambda all_: all(_ends(lines, ending) for lines in all_))
        assert others == [lines, lines]
        return lines

    async def votes(self, number: int = 1) -> list[str]:
        """Return who has voted, in order."""
        stages = (await self.fabu.plan(number))["approval"]["stages"]
        return [vote["person"] for stage in stages for vote in stage["votes"]]


def _ends(lines: list[str], ending: Sequence[str]) -> bool:
    return lines[-len(ending) :] == list(ending)


CHATS = ("slack", "feishu", "dingtalk")
APPROVERS = {"slack": "bob", "feishu": "carol", "dingtalk": "erin"}


class Front:
    """What people do in one of the chats, in one way for all."""

    def __init__(self, case: Three, chat: str) -> None:
        self.case, self.chat = case, chat
        self.approver: Any = case.in_slack("bob")
        if chat != "slack":
            self.approver = case.feishu.carol if chat == "feishu" else case.dingtalk.erin

    async def types(self, words: str) -> str:
        """Let Alice type words; return what is said."""
        if self.chat == "slack":
            return await self.case.in_slack("alice").types(words)
        office = self.case.feishu if self.chat == "feishu" else self.case.dingtalk
        return await office.alice.says(words)

    async def card(self, *words: str) -> Any:
        """Wait until the card of the plan, where all see it, shows these words."""
        if self.chat == "slack":
            slack = self.case.slack

            def newest() -> Any:
                shown = [message for message in slack.messages(CHANNEL) if message.blocks][-1:]
                return next((card for card in shown if all(word in slack_text(card) for word in words)), None)

            return await self.case.in_slack("alice").until(newest)
        return await (self.case.feishu if self.chat == "feishu" else self.case.dingtalk).group_card(*words)

    def read(self, card: Any) -> str:
        """Return what is read on a card."""
        if self.chat == "slack":
            return slack_text(card)
        return feishu_text(card.content) if self.chat == "feishu" else dingtalk_case.text_of(card)

    async def clicks(self, verb: str, on: Any = None, *, who: Any = None, text: str = "") -> None:
        """Click a button; Alice does unless told."""
        if self.chat == "slack":
            await (who or self.case.in_slack("alice")).clicks(verb, on)
            if text:
                await who.fills_in(text=text)
        elif self.chat == "feishu":
            await (who or self.case.feishu.alice).clicks(verb, on, text=text)
        else:
            await (who or self.case.dingtalk.alice).clicks(verb.lower(), on, text=text)


def known_people() -> dict[str, Json]:
    """Bob is in Slack, Carol in Feishu, Erin in DingTalk; Alice and Dave are in all three."""
    everywhere = {name: {"slack": IDS[name], "feishu": f"ou_{name}", "dingtalk": name} for name in ("alice", "dave")}
    return everywhere | {"bob": {"slack": IDS["bob"]}, "carol": {"feishu": "ou_carol"}, "erin": {"dingtalk": "erin"}}


def slack_section(slack: SlackSimulator) -> Json:
    """Return the settings of the app in Slack."""
    return {
        "bot_token": slack.bot_token,
        "signing_secret": slack.signing_secret,
        "api_url": slack.api_url,
        "channel": CHANNEL,
        "response_hosts": ["127.0.0.1"],
    }


@asynccontextmanager
async def three_chats(
    folder: Path, clock: Callable[[SlackSimulator], Clock] | None = None, **sections: Any
) -> AsyncIterator[Three]:
    """Run them all; `sections` are further settings, `clock` makes Fabu's out of Slack."""
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(SlackSimulator())
        for name, user in IDS.items():
            slack.add_user(user, name, f"{name}@example.com")
        slack.add_channel(CHANNEL, "releases")
        feishu = await stack.enter_async_context(feishu_case.platform_of())
        ding = await stack.enter_async_context(dingtalk_case.platform_of())
        chats = {
            "slack": slack_section(slack),
            "feishu": feishu_case.section_for(feishu, mode="http"),
            "dingtalk": dingtalk_case.section_for(ding),
        }
        settings = Settings.model_validate(written_for(folder, known_people(), **chats | sections))
        fabu = await stack.enter_async_context(opened(settings, clock and clock(slack)))
        slack.app_url = f"{fabu.url}/slack/events"
        await dingtalk_case.connected(ding, fabu, settings)
        platform = FeishuPlatform(feishu, f"{fabu.url}/feishu/events")
        yield Three(fabu, slack, feishu_case.Office(fabu, feishu, platform), dingtalk_case.Office(fabu, ding))
        assert slack.complaints == []
