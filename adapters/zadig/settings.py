"""The section `zadig` of the settings: its URL, and the gates for its own release plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, SecretStr

from adapters.common.settings import HttpUrl, Section
from core.plan import Channel
from core.status import HookEvent
from core.text import Duration


class Gate(Section):
    """Events of Zadig's own release plans that wait for an approval here. The first gate that matches counts."""

    project: str = Field("*", description="A pattern for the projects of the plan's workflows; one has to match.")
    plan: str = Field("*", description="A pattern for the plan's name, such as prod-*.")
    events: tuple[HookEvent, ...] = Field((HookEvent.START_EXECUTE,), description="The events that wait.")
    name: str = Field("Zadig", description="What the stage of the approval is called.")
    approvers: tuple[str, ...] = Field(description="Who decides: ids of people and @groups.", min_length=1)
    rule: Literal["all", "any"] | int = Field("any", description="How many must approve: all, any, or a number.")
    channel: Channel = Field(Channel.NATIVE, description="Where the approvers vote.")
    expires_in: Duration | None = Field(None, description="After how long without a decision Zadig's plan is rejected.")
    remind_every: Duration | None = Field(None, description="How long until the first reminder to approvers.")


class ZadigSettings(Section):
    """The Zadig installation whose workflows items may run. It is enabled by its URL."""

    url: HttpUrl = Field("", description="The base URL of Zadig.")
    token: SecretStr = Field(SecretStr(""), description="An API token of Zadig.")
    hook_token: SecretStr = Field(SecretStr(""), description="The secret of Zadig's hooks to Fabu (X-Zadig-Token).")
    gates: tuple[Gate, ...] = Field((), description="Approvals of Zadig's own release plans.")
    gate_manager: str = Field(
        "", description="The manager of such a plan whose own is unknown here; an administrator when empty."
    )
    ungated: Literal["pass", "hold"] = Field(
        "pass", description="What becomes of Zadig's plans and events that no gate fits: pass lets them go on at once."
    )

    @property
    def enabled(self) -> bool:
        """Whether Zadig is enabled."""
        return bool(self.url)

    def mistakes(self) -> Mapping[str, str]:
        """Return what Zadig lacks; gates wait for hooks, which are verified by their token."""
        found = self.find_incomplete("url", ("token",), ("hook_token", "gates", "gate_manager"))
        if self.enabled and self.gates:
            found |= self.find_missing("hook_token", reason="and gates need it to verify Zadig's hooks")
        return found
