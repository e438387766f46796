"""Requests that schemathesis makes up from the OpenAPI document: none is answered with a fault of the server's own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

from aiohttp import ClientSession

from tests.scenario.office import ADMIN, written_for
from tests.scenario.process import FABU, serving
from tests.scenario.schemathesis_hooks import PLANS

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


async def ran(*command: str | Path, **env: str) -> str:
    """Run a command to its good end, and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | env,
        cwd=Path(__file__).parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed = (await process.communicate())[0].decode()
    assert process.returncode == 0, printed[-20_000:]
    return printed


async def make_plans(url: str, token: str) -> None:
    """Make plans in three states, so that requests meet something that they could break."""
    items = [{"key": key, "name": key, "type": "text"} for key in "ab"]
    async with ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        for number in range(1, PLANS + 1):
            stages = [{"name": "QA", "approvers": ["bob"]}] if number % 3 else []
            body = {"name": f"Plan {number}", "items": items, "approval": {"stages": stages}}
            async with session.post(f"{url}/api/v1/plans", json=body) as made:
                assert made.status == 201
            if number % 2:
                async with session.post(f"{url}/api/v1/plans/{number}/submit") as submitted:
                    assert submitted.status == 200


async def test_no_request_after_the_document_is_a_fault_of_the_server(tmp_path: Path) -> None:
    written = written_for(tmp_path, {}, local={"enabled": False})  # nothing that is made up may run
    settings = {f"FABU__{section.upper()}": json.dumps(values) for section, values in written.items()}
    async with serving(written) as server:
        printed = await ran(FABU, "token", "create", "--as", ADMIN, **settings)
        token = re.findall(r"fabu_\w+", printed)[0]
        await make_plans(server.url, token)
        report = await ran(
            Path(sys.executable).with_name("schemathesis"), "run", f"{server.url}/api/openapi.json",
            "--url", f"{server.url}/api/v1", "--header", f"Authorization: Bearer {token}", "--exclude-path", "/events",
            "--checks", CHECKS, "--max-examples", "10", "--seed", "7", "--workers", "1",
            SCHEMATHESIS_HOOKS="schemathesis_hooks", PYTHONPATH=str(Path(__file__).parent),
        )  # fmt: skip
        assert re.search(r"(\d{4,}) generated, \1 passed", report), report[-2000:]
        await server.end()
    assert not re.search(r"(GET|POST|PATCH|DELETE) \S+ 5\d\d ", server.said)
    assert len(re.findall(r"POST \S+ 20[01] ", server.said)) > 50, "some were accepted"
