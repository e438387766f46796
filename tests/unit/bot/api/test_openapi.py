from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.api import ENDPOINTS
from bot.api.bodies import Body
from bot.api.routing import Endpoint
from tests.unit.bot.api.serving import DOCUMENT, Site, site
from tests.worlds import text_item

WRITING = {"POST", "PATCH"}


def operations() -> Iterator[tuple[Endpoint, dict[str, Any]]]:
    for endpoint in ENDPOINTS:
        yield endpoint, DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            if key == "$ref" and isinstance(member, str):
                yield member
            yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


async def test_the_document_is_public(fabu: Site) -> None:
    async with fabu.client.get("/api/openapi.json") as response:
        served = await response.json()
    assert served["servers"] == [{"url": "https://fabu.example.com/api/v1"}]
    assert served | {"servers": []} == json.loads(json.dumps(DOCUMENT)) | {"servers": []}
    assert served["openapi"].startswith("3.1")


def test_every_reference_leads_to_a_schema() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    found = set(references(DOCUMENT))
    assert len(found) > 40
    assert {name.removeprefix("#/components/schemas/") for name in found} <= schemas.keys()
    assert {"PlanDraft", "PlanPatch", "PlanAnswer", "ErrorAnswer"} <= schemas.keys()


def test_every_operation_says_what_it_may_answer() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(set(names)) == len(names)
    for endpoint, operation in operations():
        answers = operation["responses"]
        assert {str(endpoint.status), "401", "403", "503"} <= answers.keys()
        assert ("requestBody" in operation) == (endpoint.method in WRITING)
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= answers.keys()
        declared = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", endpoint.path))


def test_every_example_is_accepted() -> None:
    examples = [each for each in ENDPOINTS if each.example]
    assert len(examples) > 5
    for endpoint in examples:
        assert endpoint.body
        read = endpoint.body.model_validate_json(json.dumps(endpoint.example), strict=True)
        assert isinstance(read, endpoint.body)


def test_bodies_refuse_what_they_do_not_know() -> None:
    for endpoint in ENDPOINTS:
        for model in (endpoint.body, endpoint.query):
            assert model is None or model.model_config.get("extra") == "forbid", model
    assert Body.model_config.get("frozen")


async def test_the_example_plan_can_be_made_and_run(fabu: Site) -> None:
    example = DOCUMENT["paths"]["/plans"]["post"]["requestBody"]["content"]["application/json"]["example"]
    made = await fabu.ask("POST", "/plans", example)
    assert made.status == 201
    assert (await fabu.ask("POST", f"/plans/{made.json['id']}/submit")).json["status"] == "wait_for_approval"


async def test_it_is_the_same_on_a_database(tmp_path: Path) -> None:
    async with site(f"sqlite:///{tmp_path / 'fabu.db'}") as fabu:
        plan = await fabu.executing(items=[text_item("a"), text_item("b")])
        done = await fabu.ask("POST", "/plans/1/items/b/execute", {"remark": "x"}, Idempotency_Key="k")
        again = await fabu.ask("POST", "/plans/1/items/b/execute", {"remark": "x"}, Idempotency_Key="k")
        other = await fabu.ask("POST", "/plans/1/items/a/execute", {"remark": "x"}, Idempotency_Key="k")
        assert (done.status, again.json, other.status) == (200, done.json, 422)
        assert [item["status"] for item in done.json["items"]] == ["todo", "done"]
        assert (await fabu.ask("GET", f"/plans/{plan['id']}/versions/1/diff")).status == 200
        async with fabu.client.get("/readyz") as response:
            assert response.status == 200
