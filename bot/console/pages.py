"""The pages: the start page, one plan with its buttons, the output of a run; and the style sheet."""

from __future__ import annotations

import logging
from pathlib import Path

from aiohttp import web

from bot.cards.paging import Pages
from bot.cards.plan import PlanCards
from bot.cards.sentences import render_entry, render_log_head
from bot.console.forms import read_form
from bot.console.rendering import CREDENTIAL, READER, locale_of, render
from bot.i18n.labels import label
from bot.people.seen import note_seen
from bot.services import SERVICES
from core.card import Tone
from core.chat import Inbound, Reply
from core.decide.planning import problems_of_plan
from core.people import SYSTEM
from core.plan import Plan
from core.ports.plans import PlanQuery
from core.ports.runner import Embedded
from core.ports.store import Reading
from core.revisions import Since, compare_for_readers
from core.status import PlanStatus

log = logging.getLogger(__name__)

_STYLE = Path(__file__).parent / "static" / "style.css"


async def show_home(request: web.Request) -> web.Response:
    """Show what the reader has to do, and the newest plans."""
    services, reader = request.config_dict[SERVICES], request[READER]
    query = PlanQuery(text=request.query.get("q", "")[:200], cursor=request.query.get("cursor", ""))
    mine = await services.chat(Inbound("console", reader.id, "", verb="home", credential=request[CREDENTIAL]))
    page = await services.store.read(lambda reading: reading.plans.page(query))
    name = services.engine.directory.name
    return await render(request, "home.html", mine=mine.card, page=page, query=query, label=label, name=name)


async def show_plan(request: web.Request) -> web.Response:
    """Show one plan."""
    return await _render_plan(request)


async def press_button(request: web.Request) -> web.Response:
    """Execute the verb of a button, and show the plan with the reply. The same form sent again changes nothing."""
    services, form = request.config_dict[SERVICES], await read_form(request)
    inbound = Inbound(
        "console", request[READER].id, form.get("once", ""), verb=form.get("verb", ""),
        ref=form.get("ref", ""), values={"text": form.get("text", "")}, credential=request[CREDENTIAL],
    )  # fmt: skip
    reply = await services.chat(inbound)
    try:
        return await _render_plan(request, reply)
    except Exception:
        if reply.tone is not Tone.GOOD:
            raise
        log.exception("a plan cannot be shown after a button that has worked")
        return await render(request, "message.html", message=reply.text)


async def _render_plan(request: web.Request, reply: Reply | None = None) -> web.Response:
    """Show one plan, with what has changed since the revision that the reader saw before, and has seen it now."""
    services, locale = request.config_dict[SERVICES], locale_of(request)
    directory, ref = services.engine.directory, request.match_info["ref"]

    reader = request[READER].id

    def load(reading: Reading) -> tuple[Plan, list[str], Since | None]:
        plan = reading.plans.get(reading.plans.id_of(ref), whole=True)
        entries = reading.log.of_plan(plan.id, limit=5000)
        log = [f"{locale.time(e.at)} · {render_entry(e, plan, locale, directory)}" for e in entries]
        return plan, log, compare_for_readers(reading, plan, [reader]).get(reader)

    plan, log, since = await services.store.read(load)
    await note_seen(services.store, services.clock, plan, reader)
    in_order = Pages(len(plan.items), 1, "", size=max(1, len(plan.items)))
    cards = PlanCards(locale, directory, services.settings.public_url, reader, is_page=True)
    card = cards.plan(plan, in_order, since)
    if plan.status is PlanStatus.PLANNING:
        card = cards.with_missing(card, problems_of_plan(plan, services.engine.context(SYSTEM)))
    return await render(
        request,
        "plan.html",
        plan=plan,
        card=card,
        log=log,
        head=render_log_head(plan, locale),
        reply=reply,
        once=services.ids.token(),
    )


async def show_run(request: web.Request) -> web.Response:
    """Show the output of a run on this server. The page reloads every two seconds while the run goes on."""
    services, run_id = request.config_dict[SERVICES], request.match_info["run_id"]
    runners = (runner for runner in services.runs.runners.values() if isinstance(runner, Embedded))
    output = next((text for runner in runners if (text := runner.output(run_id))), "")
    open_runs = await services.store.read(lambda reading: reading.plans.open_runs())
    going_on = any(item.run and item.run.id == run_id for _, item in open_runs)
    answer = await render(request, "run.html", output=output, going_on=going_on)
    if going_on:
        answer.headers["Refresh"] = "2"
    return answer


async def send_style(_: web.Request) -> web.FileResponse:
    """Send the style sheet."""
    return web.FileResponse(_STYLE)


ROUTES = (
    web.get("/", show_home),
    web.get("/plans/{ref}", show_plan),
    web.post("/plans/{ref}", press_button),
    web.get("/runs/{run_id:[0-9a-f]{32}}", show_run),
    web.get("/console.css", send_style),
)
