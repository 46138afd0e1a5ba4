"""A defect under warranty from the desk that registers it to the owner's signature, at a desk and on a phone (A-R5)."""

from datetime import timedelta

import pytest

from tenant import clock

pytestmark = pytest.mark.browser

SOON = (clock.today() + timedelta(days=4)).isoformat()
PAST = (clock.today() - timedelta(days=1)).isoformat()


def fill(person, **fields) -> None:
    """Fill in the form at hand and save it by keyboard."""
    for name, value in fields.items():
        field = person.page.locator(f"main [name={name}]")
        field.check() if value is True else field.fill(value)
    with person.page.expect_navigation():
        person.page.keyboard.press("Control+Enter")


def act(person, page: str, verb: str, **fields) -> None:
    """Press the button of a verb on a record's page, and fill in what it asks."""
    person.page.goto(page)
    person.follow(f"main a:text-is('{verb}')")
    fill(person, **fields)


def test_a_defect_goes_to_its_builder_comes_back_once_and_is_signed_for(visit, size):
    desk = visit("north-front_desk")
    place = f"{size} 大堂吊顶"
    desk.open("/defects/new/")
    fill(desk, part=place, location="2 栋大堂", content=f"{place}开裂，有碎片掉落")
    assert desk.sees(place)

    assistant = visit("north-engineering_assistant")
    assistant.open("/builders/new/")
    fill(assistant, name=f"{size} 云岭建筑", head_name="周工", head_phone="19912345678")
    assistant.open(f"/defects/?search={size}")
    assert assistant.overflow() <= 0
    assistant.follow("main a:has-text('ZG') >> nth=0")
    assistant.shoot("defect")
    page = assistant.page.url
    act(assistant, page, "确认原因", cause="吊杆间距过大")
    assistant.page.goto(page)
    assistant.follow("main a:text-is('开整改单')")
    builder = assistant.page.locator("main [role=combobox]")
    builder.fill(size)
    assistant.page.wait_for_selector("[role=option]")
    builder.press("ArrowDown")
    builder.press("Enter")
    assistant.expected.add(422)
    fill(assistant, agreed_on=PAST, content="重做吊杆并补缝")
    assert assistant.sees("已经过去")
    assert assistant.page.locator("[name=content]").input_value() == "重做吊杆并补缝"
    assistant.shoot("record-refused")
    fill(assistant, agreed_on=SOON)
    assistant.open(f"/defects/?search={size}")
    assert assistant.sees("1 张，未完 1 张")

    assistant.open(f"/rectifications/?search={size}")
    assert assistant.sees("2 栋大堂")
    assert assistant.overflow() <= 0
    assistant.shoot("records")
    assistant.follow("main a:has-text('ZG') >> nth=0")
    page = assistant.page.url
    act(assistant, page, "施工单位签收", signed_for_by="周工")
    act(assistant, page, "记进度", progress="已搭脚手架")
    act(assistant, page, "施工单位报完工")
    act(assistant, page, "退回返工", findings="仍有裂缝", agreed_on=SOON)
    assert assistant.sees("验收不合格")
    act(assistant, page, "施工单位报完工")
    act(assistant, page, "验收合格", findings="无裂缝")
    act(assistant, page, "业主签字")
    assistant.page.goto(page)
    for words in ("业主已签字", "仍有裂缝", "无裂缝", "已搭脚手架"):
        assert assistant.sees(words), words
    assert assistant.overflow() <= 0
    assistant.shoot("record-signed")

    desk.open(f"/defects/?search={size}")
    assert desk.sees("已完成")
    assert desk.sees("1 张，已完")
