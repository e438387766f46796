"""What a plan and its parts say of themselves."""

from __future__ import annotations

from core import commands as c
from core.plan import Channel, StoredSpec
from tests.worlds import World, draft, text_item


def test_each_channel_knows_its_platform_and_whether_a_form_decides() -> None:
    assert {channel.value: (channel.platform, channel.is_form) for channel in Channel} == {
        "native": ("native", False),
        "slack": ("slack", False),
        "feishu": ("feishu", False),
        "dingtalk": ("dingtalk", False),
        "feishu_instance": ("feishu", True),
        "dingtalk_instance": ("dingtalk", True),
    }


def test_an_item_is_held_up_by_what_it_needs_and_is_not_complete() -> None:
    world = World()
    world.create(draft(items=[text_item("a"), text_item("b"), text_item("c", needs=["a", "b"])]))
    world.do(c.Submit)
    assert [item.key for item in world.plan.blockers(world.item("c"))] == ["a", "b"]
    world.on_item(c.Execute, "a")
    world.on_item(c.Skip, "b", reason="not needed")
    assert world.plan.blockers(world.item("c")) == []


def test_in_a_spec_of_an_earlier_version_an_empty_field_is_one_that_was_not_given() -> None:
    text = '{"name":"deploy","remark":"","disabled":false,"stages":[{"name":"a","jobs":[]}],"params":[{"value":""}]}'
    assert dict(StoredSpec(text)) == {"name": "deploy", "stages": [{"name": "a"}], "params": [{"value": ""}]}
    assert dict(StoredSpec(text, '{"name":"deploy","remark":""}')) == {"name": "deploy", "remark": ""}
