"""The console in a real browser: sign in by link, read a plan, decide, execute, read an output."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from bot.app import run_app, serve_http
from bot.services import SERVICES, Services
from config.settings import Settings
from core import commands as c
from core.chat import Inbound
from core.status import PlanStatus
from tests.services import leave_out
from tests.waiting import eventually
from tests.worlds import draft, stage, text_item, workflow_item

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1000,1300",
)  # fmt: skip


@dataclass
class Console:
    """A running Fabu with one plan that waits for Bob's approval."""

    url: str
    services: Services

    async def link(self, person: str) -> str:
        """The one-time sign-in link that a person gets in a chat."""
        key = self.services.ids.new()
        reply = await self.services.chat(Inbound("cli", person, key, "web", private=True))
        return reply.text.split()[-1]

    async def status(self) -> PlanStatus:
        plan = await self.services.store.read(lambda reading: reading.plans.get(reading.plans.id_of("1")))
        return plan.status


@pytest.fixture
async def console(tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[Console]:
    settings = Settings.model_validate(
        {
            "server": {"port": unused_tcp_port, "language": "en"},
            "database": {"url": f"sqlite:///{tmp_path / 'fabu.db'}"},
            "people": [{"id": person} for person in ("alice", "bob")],
        }
    )
    hostile = "<b>bold</b><script>document.title='owned'</script><img src=x onerror=alert(1)>"
    items = [text_item("check", content=hostile), workflow_item("deploy", name="Deploy <i>now</i>")]
    async with run_app(settings) as app, serve_http(app, "127.0.0.1", unused_tcp_port) as url:
        services = app[SERVICES]
        alice = services.engine.directory.actor("alice", "api")
        plan_id = services.ids.new()
        content = draft(stage("bob"), items=items, name="Release <script>alert(1)</script>", description=hostile)
        await services.engine.execute(c.Create(plan_id=plan_id, draft=content), alice)
        await services.engine.execute(c.Submit(plan_id=plan_id), alice)
        yield Console(url, services)


def visitor() -> aiohttp.ClientSession:
    """Somebody with cookies of their own, also of an address without a name."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        leave_out("Chromium", "chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = str(chromium)
    for flag in FLAGS:
        options.add_argument(flag)
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()


async def test_a_release_is_approved_and_run_in_the_browser(console: Console, browser: webdriver.Chrome) -> None:
    wait = WebDriverWait(browser, 10, 0.1, ignored_exceptions=[StaleElementReferenceException, NoSuchElementException])

    def shown(selector: str, text: str) -> None:
        wait.until(lambda page: text in page.find_element(By.CSS_SELECTOR, selector).text, f"{selector}: {text}")

    def click(selector: str, text: str = "") -> None:
        def pressed(page: webdriver.Chrome) -> bool:
            found = [each for each in page.find_elements(By.CSS_SELECTOR, selector) if text in each.text]
            if found:
                found[0].click()
            return bool(found)

        wait.until(pressed, f"{selector}: {text}")

    def sign_in(link: str) -> None:
        browser.delete_all_cookies()
        browser.get(link)
        click("main button")
        click("table a", "Release")
        shown("h1", "Release")

    def approve(link: str) -> None:
        sign_in(link)
        assert "owned" not in browser.title
        assert browser.find_elements(By.TAG_NAME, "b"), "bold stays bold"
        assert not browser.find_elements(By.CSS_SELECTOR, "main script, main img")
        click("button", "Approve")
        shown("h1 .tag", "executing")

    def execute(link: str) -> None:
        sign_in(link)
        click("summary.button", "Done")
        browser.find_element(By.CSS_SELECTOR, "details[open] textarea").send_keys("检查完毕")
        click("details[open] button", "Done")
        shown(".log", "检查完毕")
        click("button", "Run")

    async def by(person: str, steps: Callable[[str], None]) -> None:
        await asyncio.to_thread(steps, await console.link(person))

    await by("bob", approve)
    await by("alice", execute)
    await eventually(console.status, wanted=lambda status: status is PlanStatus.SUCCESS)


async def test_a_link_works_once_and_only_by_its_button(console: Console) -> None:
    link = await console.link("bob")
    async with visitor() as mail_scanner, visitor() as bob:
        for _ in range(2):
            assert (await mail_scanner.get(link)).status == 200
        answer = await bob.post(link)
        assert (answer.status, str(answer.url)) == (200, f"{console.url}/")
        cookie = next(iter(bob.cookie_jar))
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert (await mail_scanner.post(link)).status == 401
        assert (await mail_scanner.get(f"{console.url}/plans/1")).status == 401


async def test_another_site_cannot_use_the_session(console: Console) -> None:
    async with visitor() as bob:
        await bob.post(await console.link("bob"))
        page = await (await bob.get(f"{console.url}/plans/1")).text()
        ref = page.split('name="ref" value="')[1].split('"')[0]
        forged = {"verb": "approve", "ref": ref, "once": "x", "csrf": "0" * 64}
        assert (await bob.post(f"{console.url}/plans/1", data=forged)).status == 403
        assert await console.status() is PlanStatus.WAIT_FOR_APPROVAL
        csrf = page.split('name="csrf" value="')[1].split('"')[0]
        own = {**forged, "csrf": csrf}
        assert (await bob.post(f"{console.url}/plans/1", data=own)).status == 200
        answer = await bob.post(f"{console.url}/plans/1", data=own)
        assert "done already" in await answer.text()
        assert await console.status() is PlanStatus.EXECUTING
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_signing_out_ends_the_session_everywhere(console: Console) -> None:
    async with visitor() as bob, visitor() as thief:
        await bob.post(await console.link("bob"))
        thief.cookie_jar.update_cookies({cookie.key: cookie.value for cookie in bob.cookie_jar})
        page = await (await bob.get(console.url)).text()
        csrf = page.split('name="csrf" value="')[1].split('"')[0]
        assert (await bob.post(f"{console.url}/sign-out", data={"csrf": csrf})).status == 401
        assert (await thief.get(console.url)).status == 401


@pytest.mark.parametrize("path", ["/plans/99", "/plans/%00", "/plans/" + "x" * 300, "/?cursor=%%%"])
async def test_odd_addresses_get_a_page_that_says_so(console: Console, path: str) -> None:
    async with visitor() as bob:
        await bob.post(await console.link("bob"))
        assert (await bob.get(console.url + path)).status in (404, 422)
