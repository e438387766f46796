"""What people were shown."""

from __future__ import annotations

from datetime import timedelta

from core.ports.store import Writing
from tests.contract.store.offices import Office
from tests.worlds import START


async def test_each_revision_that_a_person_was_shown_is_known(office: Office) -> None:
    one, two = await office.create(), await office.create()

    def show(writing: Writing) -> None:
        writing.seen.put(one.id, "bob", 3, START)
        writing.seen.put(one.id, "bob", 1, START)
        writing.seen.put(one.id, "bob", 1, START + timedelta(days=1))
        writing.seen.put(one.id, "carol", 2, START)

    await office.store.write(show)

    async def shown(plan_id: str, person: str) -> tuple[int, ...]:
        return await office.store.read(lambda reading: reading.seen.revisions(plan_id, person))

    assert await shown(one.id, "bob") == (1, 3)
    assert await shown(one.id, "carol") == (2,)
    assert await shown(one.id, "dave") == await shown(two.id, "bob") == ()
