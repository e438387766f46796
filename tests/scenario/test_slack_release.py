"""A whole release in Slack, from its first draft to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine

from tests.scenario.office import Fabu, script, sql, stage, step
from tests.scenario.slack_users import User, cards, offers, thread
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import text_of

TOLD = """\
Alice: started the plan
Alice: finished the planning
Alice: asked for approval
Bob: approved in stage QA
Carol: rejected in stage QA — No rollback plan
The plan is rejected — No rollback plan
Alice: took the plan back to planning
Alice: finished the planning
Alice: asked for approval
Erin: approved in stage QA
Bob: approved in stage QA
Stage QA is complete
Dave: approved in stage Operations
Stage Operations is complete
The plan is approved
The plan may be executed now
Erin: completed “Notes” — Written in the wiki
Alice: started “Deploy”, attempt 1
System: “Deploy”: failed — all/go: exit code 1
Alice: started “Deploy”, attempt 2
System: “Deploy”: passed
Alice: started “Migrate”, attempt 1
System: “Migrate”: passed
Alice: skipped “Announce” — Nobody reads it
The plan is complete""".splitlines()
STAGES = [stage("QA", "bob", "@sre", rule=2), stage("Operations", "dave")]


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """A database with one order in it."""
    url = f"sqlite:///{tmp_path}/shop.db"
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE orders (state TEXT)")
        connection.exec_driver_sql("INSERT INTO orders VALUES ('old')")
    return url


@pytest.fixture
def sections(shop: str) -> dict[str, Any]:
    return {"local": {"databases": {"shop": shop}}}


async def test_a_whole_release(
    fabu: Fabu, slack: SlackSimulator, shop: str, alice: User, bob: User, carol: User, dave: User, erin: User
) -> None:
    items = [
        step("notes", assignee="erin"),
        script("deploy", 'echo "attempt $FABU_ATTEMPT"; test "$FABU_ATTEMPT" -gt 1', needs=["notes"]),
        sql("migrate", "shop", "UPDATE orders SET state = 'new'"),
        step("announce"),
    ]
    await fabu.draft(*items, stages=STAGES)
    assert "Submitted. #1 is now: waiting for approval." in await alice.types("submit 1")

    await bob.clicks("Approve")
    await bob.hears("Your approval counts. #1 now waits for stage QA.")
    await carol.clicks("Reject")
    await carol.fills_in(text="No rollback plan")
    await carol.hears("Rejected. #1 is now: rejected.")
    assert await fabu.status() == "denied"
    await bob.sees("rejected", "👎 Carol", "No rollback plan")

    assert "#1 is now: planning" in await alice.types("replan 1")
    assert "waiting for approval" in await alice.types("submit 1")
    await erin.clicks("Approve")
    await erin.hears("Your approval counts. #1 now waits for stage QA.")
    await bob.clicks("Approve")
    await bob.hears("Your approval counts. #1 now waits for stage Operations.")
    await dave.clicks("Approve")
    await dave.hears("#1 is now: executing.")

    await erin.clicks("Done")
    await erin.fills_in(Remark="Written in the wiki")
    await erin.hears("“Notes” is done. #1 is now: executing.")
    [card] = [message for message in slack.messages("C1") if message.blocks]
    await alice.until(lambda: "Written in the wiki" in text_of(card))
    assert "“Deploy” is running" in await alice.types("execute 1 deploy")
    await alice.until(lambda: "❌ 2. Deploy" in text_of(card))
    await alice.clicks("Retry", on=card)
    await alice.until(lambda: "✅ 2. Deploy" in text_of(card))
    assert "“Migrate” is running" in await alice.types("execute 1 migrate")
    await alice.until(lambda: "✅ 3. Migrate" in text_of(card))
    await alice.clicks("Skip", on=card)
    await alice.fills_in(text="Nobody reads it")
    await alice.hears("“Announce” is skipped. #1 is now: successful.")

    assert await fabu.status() == "success"
    shown = await alice.until(lambda: list(cards(slack)) if all("🟢" in text_of(one) for one in cards(slack)) else None)
    assert len(shown) == 9, "the channel's, three for the first stage in each round, Dave's, and Erin's for her item"
    assert not any(offers(one, verb) for one in shown for verb in ("Approve", "Reject", "Done", "Skip", "Retry"))
    assert await fabu.events() == [
        "created", "finished", "submitted", "voted", "voted", "denied", "replanned", "finished", "submitted",
        "voted", "voted", "stage_passed", "voted", "stage_passed", "approved", "execution_started",
        "item_done", "run_requested", "run_changed", "run_ended", "run_requested", "run_changed", "run_ended",
        "run_requested", "run_changed", "run_ended", "item_skipped", "succeeded",
    ]  # fmt: skip
    await alice.until(lambda: "The plan is complete" in thread(slack))
    assert thread(slack) == [*TOLD, await fabu.head()]
    assert states(shop) == ["new"]


def states(shop: str) -> list[str]:
    engine = create_engine(shop, poolclass=NullPool)
    with engine.connect() as connection:
        return list(connection.exec_driver_sql("SELECT state FROM orders").scalars())


async def test_a_plan_that_is_started_in_a_modal(
    fabu: Fabu, slack: SlackSimulator, alice: User, bob: User, carol: User, erin: User
) -> None:
    assert await alice.types("new") == ""
    wrong = {"Name": "Payments 2.4", "Approvers": "bob, @nobody"}
    assert (await alice.fills_in_wrongly(**wrong, Window="tonight")).keys() == {"window"}
    assert (await alice.fills_in_wrongly(**wrong)).keys() == {"approvers"}
    window = "/ 2099-01-31 22:00"
    steps = {"Items, one per line": "Freeze\n\nAnnounce"}
    await alice.fills_in(**{"Name": "Payments 2.4", "Approvers": "bob，@sre", "Window": window, **steps})
    shown = await alice.hears("Plan #1 “Payments 2.4” is started.")
    assert "1. Freeze" in shown
    assert "2. Announce" in shown

    await alice.clicks("Submit", on=slack.ephemerals("U1")[-1])
    await alice.hears("Submitted. #1 is now: waiting for approval.")
    for person in (bob, carol, erin):
        await person.clicks("Approve")
    await fabu.until_status("executing")
    for words in ("execute 1 freeze", "execute 1 2 told the shops"):
        await alice.types(words)
    assert await fabu.status() == "success"
    assert [item["remark"] for item in (await fabu.plan())["items"]] == ["", "told the shops"]
