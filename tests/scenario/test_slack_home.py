"""The app's home tab: what waits for somebody, and doing it there."""

from __future__ import annotations

from tests.scenario.chats.slack import User
from tests.scenario.office import Fabu, script, stage, step
from tests.simulators.slack_reading import text_of


async def test_home_shows_what_concerns_somebody_and_its_buttons_work(
    fabu: Fabu, alice: User, bob: User, carol: User
) -> None:
    await fabu.submitted(step("notes", assignee="bob"), script("deploy", "true", assignee="bob"), name="Started")
    await fabu.submitted(stages=[stage("QA", "bob", "carol")], name="Asked for")
    await fabu.draft(name="Bob's own", by="bob")
    await fabu.draft(name="Of no concern")
    await bob.until(lambda: len(bob.cards) == 2)  # so that none is taken for an answer to a click
    home = await bob.opens_home()
    shown = text_of(home)
    order = [
        "Waiting for your approval",
        "#2 Asked for",
        "Your items",
        "#1 · 1 Notes",
        "#1 · 2 Deploy",
        "Your plans",
        "#3 Bob's",
    ]
    assert sorted(order, key=shown.index) == order
    assert "Of no concern" not in shown

    await bob.clicks("Done", on=home, text="by the book")
    await bob.until(lambda: "1 Notes" not in text_of(home))
    await bob.clicks("Run", on=home)
    await bob.until(lambda: not bob.offers(home, "Run"))
    await fabu.until_status("success", 1)
    assert (await fabu.item("notes"))["remark"] == "by the book"

    assert "Your approval counts." in await bob.clicks("Approve")
    shown = text_of(await bob.opens_home())
    assert "#2 Asked for" not in shown
    assert "Your items" not in shown
    assert "#2 Asked for" in text_of(await carol.opens_home())


async def test_home_without_anything_says_so(fabu: Fabu, bob: User) -> None:
    assert "Nothing is waiting for you." in text_of(await bob.opens_home())


async def test_a_plan_is_shown_from_the_home_tab(fabu: Fabu, alice: User) -> None:
    await fabu.draft(name="Mine")
    await alice.clicks("Show", on=await alice.opens_home())
    answer = await alice.clicks("Submit", on=await alice.sees("#1 Mine", "1 Notes"))
    assert answer == "Submitted. #1 is now: executing."
