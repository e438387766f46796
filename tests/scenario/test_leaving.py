"""People and groups who leave the settings have no rights after the restart; those of an import stay."""

from __future__ import annotations

from config.settings import Settings
from core.people import Group, Person
from tests.scenario.chats.slack import IDS, User, connect
from tests.scenario.office import ADMIN, Fabu, Json, opened
from tests.simulators.slack import SlackSimulator


def without(written: Json, *people: str) -> Settings:
    """Return the settings without some people, without groups, and with Alice as administrator."""
    kept = [entry for entry in written["people"] if entry["id"] not in people]
    return Settings.model_validate({**written, "people": kept, "groups": [], "auth": {"admins": ["alice"]}})


async def status_of(fabu: Fabu, secret: str) -> int:
    """Return the status of the answer to a request with a token."""
    async with fabu.session.get(f"{fabu.url}/api/v1/plans", headers={"Authorization": f"Bearer {secret}"}) as answer:
        return answer.status


async def test_who_leaves_the_settings_has_no_rights_after_the_restart(
    settings: Settings, written: Json, slack: SlackSimulator
) -> None:
    imported = [Person("zoe", "Zoe", imported=True)], [Group("qa", ("zoe", "bob"), imported=True)]
    async with opened(settings) as fabu:
        await connect(slack, fabu)
        await fabu.services.store.write(lambda writing: writing.people.put(*imported))
        assert (await fabu.request("GET", "/api/v1/plans", by="bob"))[0] == 200
        earlier = fabu.tokens

    async with opened(without(written, "bob")) as fabu:
        await connect(slack, fabu)
        directory = fabu.services.engine.directory
        assert not directory.active("bob")
        assert directory.expand(["@sre", "@qa"]) == {"zoe"}
        assert [name for name, person in directory.people.items() if person.admin] == ["alice"]
        assert await status_of(fabu, earlier["bob"]) == 401
        assert await status_of(fabu, earlier[ADMIN]) == 200, "who is administrator no more may still read"
        assert "not know you" in await User(slack, IDS["bob"]).says("list")

    async with opened(settings) as fabu:
        assert fabu.services.engine.directory.active("bob")
        assert await status_of(fabu, earlier["bob"]) == 401, "a revoked token stays revoked"
        assert fabu.services.engine.directory.expand(["@sre"]) == {"carol", "erin"}
