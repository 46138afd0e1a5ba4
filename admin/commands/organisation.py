"""``wuguan company|office|staff``: the group's own things (A-O1, A-O3)."""

from typing import TYPE_CHECKING

import click

from admin.commands.edge import answer, answers, group_session, open_database, read_term
from tenant.errors import Refusal
from tenant.rules.terms import Role
from tenant.services import organisation, staff
from tenant.unscoped import Reason

if TYPE_CHECKING:
    from tenant.models import Company, Office


@click.group("company", help="公司。")
def company() -> None:
    """Hold the commands about companies."""


@company.command("add", help="建立一个公司。")
@click.argument("code")
@click.argument("name")
@answers
def add_company(*, code: str, name: str, as_json: bool) -> None:
    """Make a company."""
    with open_database() as database, group_session(database, Reason.SETTING_UP) as session:
        made = organisation.add_company(session, code, name)
    answer(
        {"id": made.id, "code": made.code, "name": made.name},
        as_json=as_json,
        sentence=f"已建立公司「{made.name}」（{made.code}）。",
    )


@click.group("office", help="管理处。")
def office() -> None:
    """Hold the commands about offices."""


@office.command("add", help="在公司下建立一个管理处。")
@click.argument("code")
@click.argument("name")
@click.option("--company", "company_code", required=True, help="所属公司的编码。")
@answers
def add_office(*, code: str, name: str, company_code: str, as_json: bool) -> None:
    """Make an office."""
    with open_database() as database, group_session(database, Reason.SETTING_UP) as session:
        made = organisation.add_office(session, code, name, company_code=company_code)
    answer(
        {"id": made.id, "code": made.code, "name": made.name, "company": company_code},
        as_json=as_json,
        sentence=f"已建立管理处「{made.name}」（{made.code}）。",
    )


@click.group("staff", help="人员。")
def people() -> None:
    """Hold the commands about people."""


@people.command("add", help="建立人员并给予任职，打印一次性密码；首次登录须改密码。")
@click.argument("login")
@click.argument("name")
@click.option("--role", "role_code", required=True, help=f"角色：{' '.join(role.value for role in Role)}。")
@click.option("--office", "office_code", help="任职的管理处编码。")
@click.option("--company", "company_code", help="任职的公司编码。")
@click.option("--group", "at_group", is_flag=True, help="任职于集团。")
@click.option("--email", help="邮箱，升级通知发往这里。")
@answers
def add_staff(
    *,
    login: str,
    name: str,
    role_code: str,
    office_code: str | None,
    company_code: str | None,
    at_group: bool,
    email: str | None,
    as_json: bool,
) -> None:
    """Make a person with a posting; print the one-time password, which is kept nowhere."""
    role = read_term(Role, role_code, field="role", label="角色")
    if sum([office_code is not None, company_code is not None, at_group]) != 1:
        raise Refusal(
            code="one_place",
            message="请用 --office、--company、--group 三者之一说明任职的地方。",
            field="office",
        )
    with open_database() as database, group_session(database, Reason.SETTING_UP) as session:
        place: Office | Company | None = None
        if office_code is not None:
            place = organisation.office_by_code(session, office_code)
        elif company_code is not None:
            place = organisation.company_by_code(session, company_code)
        made, password = staff.add(session, login=login, name=name, role=role, place=place, email=email)
    answer(
        {"id": made.id, "login": made.login, "name": made.name, "role": role.value, "password": password},
        as_json=as_json,
        sentence=f"已建立「{made.name}」，登录名 {made.login}，角色 {role.label}。\n一次性密码：{password}",
    )
