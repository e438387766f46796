"""The servers that clicks are compared on, each a process: `python -m tests.benchmarks.peers NAME FOLDER COUNT`.

`usual` is how such a bot is usually written: slack-bolt's AsyncApp with SQLAlchemy's async ORM over aiosqlite, one
transaction of three writes for each click (plan with version check, log row, effect row), durable as ours is.
`noop` is slack-bolt's AsyncApp as shipped, doing nothing; `bare` is a handler of aiohttp without it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from sqlalchemy import ForeignKey, event, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECRET = "benchmark"


class Base(DeclarativeBase):
    """The peer's tables."""


class PlanRow(Base):
    """A plan with a version for optimistic locking, as the ORM keeps it."""

    __tablename__ = "plans"
    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
    votes: Mapped[int]
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - as SQLAlchemy declares it


class LogRow(Base):
    """A line of the log."""

    __tablename__ = "log"
    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    text: Mapped[str]


class EffectRow(Base):
    """Something to be sent later."""

    __tablename__ = "effects"
    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    kind: Mapped[str]


async def authorize(**_: object) -> AuthorizeResult:
    """Know the workspace without asking Slack."""
    return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-x", bot_id="B1", bot_user_id="U0")


async def usual(file: str, plans: int) -> AsyncApp:
    """Return the peer that is written in the usual way, with so many plans."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}")

    @event.listens_for(engine.sync_engine, "connect")
    def durable(connection: object, _: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    sessions = async_sessionmaker(engine, class_=AsyncSession)
    async with sessions.begin() as session:
        session.add_all(PlanRow(id=i, status="wait_for_approval", votes=0, version=1) for i in range(1, plans + 1))
    app, lock = AsyncApp(signing_secret=SECRET, authorize=authorize), asyncio.Lock()

    @app.action("approve")
    async def approve(ack: AsyncAck, body: dict[str, object]) -> None:
        number = int(body["actions"][0]["value"].rpartition("-")[2])  # type: ignore[index]
        async with lock, sessions.begin() as session:  # SQLite takes one writer at a time
            plan = (await session.execute(select(PlanRow).where(PlanRow.id == number))).scalar_one()
            plan.votes += 1
            session.add(LogRow(plan_id=plan.id, text="voted"))
            session.add(EffectRow(plan_id=plan.id, kind="update_card"))
        await ack()

    return app


async def noop(file: str, plans: int) -> AsyncApp:
    """Return slack-bolt as shipped, with a listener that only acknowledges."""
    app = AsyncApp(signing_secret=SECRET, authorize=authorize)

    @app.action("approve")
    async def approve(ack: AsyncAck) -> None:
        await ack()

    return app


async def bare(request: web.Request) -> web.Response:
    """Read a request, and answer it."""
    await request.read()
    return web.Response()


async def handler(name: str, file: str, plans: int) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of a peer that is written with slack-bolt."""
    bolt = await {"usual": usual, "noop": noop}[name](file, plans)

    async def events(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    return events


async def serve(name: str, folder: str, count: int) -> None:
    """Serve a peer and print its address with what clicks carry, until the process is ended."""
    app = web.Application()
    app.router.add_post("/slack/events", bare if name == "bare" else await handler(name, f"{folder}/peer.db", count))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    refs = [f"plan-{number}" for number in range(1, count + 1)]
    print(json.dumps({"port": runner.addresses[0][1], "pid": os.getpid(), "refs": refs}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))
