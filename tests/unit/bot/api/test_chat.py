from __future__ import annotations

from tests.unit.bot.api.serving import Site


async def test_typed_words_are_answered_with_a_card(fabu: Site) -> None:
    plan = await fabu.plan()
    reply = await fabu.ask("POST", "/chat", {"text": f"show {plan['number']}"})
    assert reply.status == 200
    assert "Release 1" in reply.json["card"]["title"]
    assert reply.json["form"] is None


async def test_the_answer_is_in_the_language_that_is_asked_for(fabu: Site) -> None:
    wanted = {"text": "help"}
    chinese = (await fabu.ask("POST", "/chat", wanted, Accept_Language="zh-CN")).json["card"]
    english = (await fabu.ask("POST", "/chat", wanted, Accept_Language="en")).json["card"]
    assert (chinese["title"], english["title"]) == ("命令", "Commands")
    rows = {card["title"]: card["sections"][0]["rows"][0] for card in (chinese, english)}
    said = {title: (row["title"], row["line"][0]["text"]) for title, row in rows.items()}
    assert said["命令"] == ("列表 [我的|状态] [页码]：查看发布计划", "清单 ls")
    assert said["Commands"] == ("list [mine|status] [PAGE]: the plans", "列表 清单 ls")


async def test_a_button_of_the_card_does_what_it_says(fabu: Site) -> None:
    plan = await fabu.plan()
    card = (await fabu.ask("POST", "/chat", {"text": f"show {plan['number']}"})).json["card"]
    submit = next(button for button in card["buttons"] if button["verb"] == "submit")
    pressed = {"verb": "submit", "ref": submit["ref"]}
    reply = await fabu.ask("POST", "/chat", pressed, Idempotency_Key="k")
    assert reply.json["tone"] == "good"
    again = await fabu.ask("POST", "/chat", pressed, Idempotency_Key="k")
    assert again.json["tone"] == "good"
    assert (await fabu.ask("GET", f"/plans/{plan['id']}")).json["status"] == "wait_for_approval"
    assert (await fabu.ask("POST", "/chat", pressed)).json["tone"] == "bad"


async def test_a_form_comes_back_with_its_values(fabu: Site) -> None:
    assert (await fabu.ask("POST", "/chat", {"text": "new"})).json["form"]["verb"] == "new"
    made = await fabu.ask("POST", "/chat", {"verb": "new", "values": {"name": "Release 9", "items": "one\ntwo"}})
    assert made.json["tone"] == "good"
    assert (await fabu.ask("GET", "/plans")).json["items"][0]["name"] == "Release 9"
    wrong = await fabu.ask("POST", "/chat", {"verb": "new", "values": {"name": "R", "window": "soon"}})
    assert wrong.json["errors"].keys() == {"window"}


async def test_whoever_asks_is_the_owner_of_the_token(fabu: Site) -> None:
    plan = await fabu.plan()
    refused = await fabu.ask("POST", "/chat", {"text": f"submit {plan['number']}"}, by="bob")
    assert refused.json["tone"] == "bad"
    assert (await fabu.ask("GET", f"/plans/{plan['id']}")).json["status"] == "planning"


async def test_what_is_wrong_with_a_command_is_told_in_its_language(fabu: Site) -> None:
    plan = await fabu.plan()

    async def told(text: str, language: str) -> str:
        return str((await fabu.ask("POST", "/chat", {"text": text}, Accept_Language=language)).json["text"])

    assert await told("foo", "zh") == "没有“foo”这个命令。发送 `帮助` 查看全部命令。"
    assert await told(f"执行 {plan['number']}", "zh") == "`执行` 还需要发布项的序号、标识或名称。发送 `帮助` 查看写法。"
    assert await told(f"执行 {plan['number']} 备份", "zh") == "该计划没有发布项 备份。发送 `查看` 可列出其发布项。"
    assert await told("foo", "en") == "“foo” is not a command. `help` lists the commands."
    assert (await told(f"run {plan['number']}", "en")).startswith("`execute` needs the item")
    assert await told(f"run {plan['number']} x", "en") == "This plan has no item x. `show` lists its items."
