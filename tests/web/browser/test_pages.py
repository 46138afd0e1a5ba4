"""Every page somebody may open: no complaint in the console, no scrolling sideways, the frame around it, in Chinese."""

import re

import pytest

pytestmark = pytest.mark.browser

PEOPLE = (
    "north-director",
    "north-office_admin",
    "north-finance_assistant",
    "north-technician",
    "group_centre",
    "system_admin",
    "auditor",
)
NARROWEST, ZOOMED, WIDEST = (360, 740), (640, 400), (2560, 1300)
"""The narrowest phone, a desk at twice the size, the widest screen."""
FOREIGN = re.compile(
    r"\b(Search|Save|Create|Edit|Delete|Export|Cancel|List|Details|Select|Filter|items?|Please|No|Yes)\b"
)

NAMELESS = """() => {
  const named = node => node.labels?.length || node.getAttribute("aria-label") || node.getAttribute("aria-labelledby")
    || (node.matches("a, button") && (node.textContent.trim() || node.title));
  const controls = [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a[href]")];
  const ids = [...document.querySelectorAll("[id]")].map(node => node.id);
  return [
    ...controls.filter(node => !named(node)).map(node => node.outerHTML.slice(0, 120)),
    ...ids.filter((id, place) => ids.indexOf(id) !== place).map(id => `id ${id} stands twice`),
    ...[...document.querySelectorAll("img:not([alt]), iframe:not([title])")].map(node => node.outerHTML.slice(0, 120)),
  ];
}"""
"""What somebody who cannot see the page would not be told: controls without a name, ids that stand twice."""


def linked(visitor) -> list[str]:
    """Return the addresses the navigation leads to."""
    return visitor.page.eval_on_selector_all(
        ".side .nav-link", "links => [...new Set(links.map(link => link.getAttribute('href')))]"
    )


@pytest.mark.parametrize("login", PEOPLE)
def test_every_page_of_the_navigation_opens_whole(visit, login):
    visitor = visit(login)
    found = linked(visitor)
    assert found
    for path in found:
        visitor.open(path)
        assert visitor.page.locator("main h1").inner_text().strip(), path
        assert visitor.overflow() <= 0, path
        assert not FOREIGN.findall(visitor.page.inner_text("body")), path
        assert visitor.page.locator(".side [aria-current=page]").count() == 1, path
        assert visitor.page.evaluate(NAMELESS) == [], path
        assert visitor.page.locator("h1").count() == 1, path
    visitor.shoot(f"last-page-{login}")


def test_every_form_for_a_new_record_opens_whole(visit):
    visitor = visit("north-director")
    for path in ("/requests/new/", "/complaints/new/"):
        visitor.open(path)
        assert visitor.overflow() <= 0, path
        assert visitor.page.evaluate(NAMELESS) == [], path
        assert not FOREIGN.findall(visitor.page.inner_text("main").replace("Ctrl", "").replace("Enter", "")), path
        visitor.shoot(path.strip("/").replace("/", "-"))


@pytest.mark.parametrize("edge", [NARROWEST, ZOOMED, WIDEST], ids=["narrowest", "zoomed", "widest"])
def test_pages_fit_the_narrowest_and_the_widest_window(visit, edge):
    visitor = visit("group_centre")
    visitor.page.set_viewport_size({"width": edge[0], "height": edge[1]})
    for path in (
        "/workbench",
        "/supervision",
        "/owners/",
        "/requests/",
        "/audit",
        "/outbox/",
        "/clockwork",
        "/account",
        "/search",
    ):
        visitor.open(path)
        assert visitor.overflow() <= 0, path
    visitor.shoot(f"edge-{edge[0]}")


def test_the_phone_has_a_bar_of_five_and_the_desk_a_side(visit, size):
    visitor = visit("north-director")
    bar, side = visitor.page.locator(".tabbar a"), visitor.page.locator(".side")
    assert bar.first.is_visible() == (size == "phone")
    assert side.is_visible() == (size == "desk")
    assert bar.count() == 5
    if size == "phone":
        visitor.page.click(".tabbar >> text=更多")
        side.wait_for(state="visible")
        visitor.shoot("more")


def test_dark_is_dark_and_can_be_chosen(visit):
    visitor = visit("north-director", dark=True)
    visitor.open("/workbench")
    background = (
        "getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor"
    )
    dark = visitor.page.evaluate(background)
    visitor.shoot("dark")
    visitor.page.click(".top summary[aria-label*=个人菜单]")
    visitor.page.click("text=浅色")
    assert visitor.page.evaluate(background) != dark
    visitor.open("/owners/")
    assert visitor.page.get_attribute("html", "data-theme") == "light"


def test_signing_in_says_what_is_wrong_and_lets_the_right_one_in(visit):
    visitor = visit()
    visitor.open("/owners/")
    assert "/sign-in" in visitor.page.url
    visitor.page.fill("#login", "north-director")
    visitor.page.fill("#password", "错误的密码-1234567")
    visitor.expected.add(422)
    visitor.follow("form button")
    assert visitor.sees("登录名或密码不正确")
    assert visitor.page.input_value("#login") == "north-director"
    visitor.shoot("sign-in")


def test_the_globe_of_search_takes_words_without_an_address(visit, cast):
    visitor = visit("north-director")
    visitor.open("/search")
    visitor.page.fill("main input[name=q]", cast.north.owner.name)
    visitor.follow("main form button")
    assert cast.north.owner.name not in visitor.page.url
    assert visitor.sees(cast.north.owner.name)
