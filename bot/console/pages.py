"""The pages: what concerns the reader, all plans, one plan with its buttons, the output of a run, the style sheet."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from bot.cards.plan import PlanCards
from bot.cards.sentences import head_of_log, sentence
from bot.console.page import READER, locale_of, render
from bot.i18n.labels import label
from bot.services import SERVICES
from core.chat import Inbound, Reply
from core.errors import FabuError
from core.plan import Plan
from core.ports.plans import PlanQuery
from core.ports.runner import Embedded
from core.ports.store import Reading

_STYLE = Path(__file__).parent / "static" / "style.css"


async def home(request: web.Request) -> web.Response:
    """Show what waits for the reader, and the newest plans."""
    services, reader = request.config_dict[SERVICES], request[READER]
    query = PlanQuery(text=request.query.get("q", "")[:200], cursor=request.query.get("cursor", ""))
    mine = await services.chat(Inbound("console", reader.id, "", verb="home"))
    try:
        page = await services.store.read(lambda reading: reading.plans.page(query))
    except FabuError as error:
        return await render(request, "message.html", error.http_status, message=locale_of(request).error(error))
    name = services.engine.directory.name
    return await render(request, "home.html", mine=mine.card, page=page, query=query, label=label, name=name)


async def plan(request: web.Request) -> web.Response:
    """Show one plan."""
    return await plan_page(request, request.match_info["ref"])


async def act(request: web.Request) -> web.Response:
    """Do what a button of the page says; sent again, the same form changes nothing."""
    services, form = request.config_dict[SERVICES], await request.post()
    inbound = Inbound(
        "console", request[READER].id, str(form.get("once", "")), verb=str(form.get("verb", "")),
        ref=str(form.get("ref", "")), values={"text": str(form.get("text", ""))},
    )  # fmt: skip
    return await plan_page(request, request.match_info["ref"], await services.chat(inbound))


async def plan_page(request: web.Request, ref: str, reply: Reply | None = None) -> web.Response:
    """Return the page of a plan, with the answer to what was just done."""
    services, locale = request.config_dict[SERVICES], locale_of(request)
    directory = services.engine.directory

    def load(reading: Reading) -> tuple[Plan, list[str]]:
        found = reading.plans.get(reading.plans.id_of(ref), whole=True)
        log = [
            f"{locale.time(e.at)} · {sentence(e, found, locale, directory)}"
            for e in reading.log.of_plan(found.id, limit=5000)
        ]
        return found, log

    try:
        shown, log = await services.store.read(load)
    except FabuError as error:
        return await render(request, "message.html", error.http_status, message=locale.error(error))
    return await render(
        request,
        "plan.html",
        plan=shown,
        card=PlanCards(locale, directory, services.settings.public_url).plan(shown),
        log=log,
        head=head_of_log(shown, locale),
        reply=reply,
        once=services.ids.token(),
    )


async def run(request: web.Request) -> web.Response:
    """Show the output of a run on this server, anew every two seconds while it goes on."""
    services, run_id = request.config_dict[SERVICES], request.match_info["run_id"]
    runners = (runner for runner in services.runs.runners.values() if isinstance(runner, Embedded))
    output = next((text for runner in runners if (text := runner.output(run_id))), "")
    open_runs = await services.store.read(lambda reading: reading.plans.open_runs())
    going_on = any(item.run and item.run.id == run_id for _, item in open_runs)
    answer = await render(request, "run.html", output=output, going_on=going_on)
    if going_on:
        answer.headers["Refresh"] = "2"
    return answer


async def style(_: web.Request) -> web.FileResponse:
    """Answer the style sheet."""
    return web.FileResponse(_STYLE)


ROUTES = (
    web.get("/", home),
    web.get("/plans/{ref}", plan),
    web.post("/plans/{ref}", act),
    web.get("/runs/{run_id:[0-9a-f]{32}}", run),
    web.get("/console.css", style),
)
