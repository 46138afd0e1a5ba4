"""Who works for the group, and in which post (A-O3, A-O4)."""

from typing import Any, Final

from flask import g
from wtforms.validators import Length

from admin.acting import Verb
from admin.fields import Line, form_class, required
from admin.office_view import OfficeView
from tenant.errors import Refusal
from tenant.models import Posting, Staff
from tenant.rules.terms import Act, Area
from tenant.services import sign_ins, staff

KEPT: Final = frozenset({Act.VIEW, Act.CREATE, Act.EDIT})


def _reset(session: Any, row: Any, _told: dict[str, Any]) -> str:
    password = staff.reset_password(session, row.id)
    return f"「{row.name}」（{row.login}）的一次性密码：{password}"


def _disable(session: Any, row: Any, _told: dict[str, Any]) -> str:
    staff.disable(session, row.id)
    return f"已停用「{row}」的账号，其登录都已结束。"


def _enable(session: Any, row: Any, _told: dict[str, Any]) -> str:
    staff.enable(session, row.id)
    return f"已恢复「{row}」的账号。"


def _end_sessions(session: Any, row: Any, _told: dict[str, Any]) -> str:
    ended = sign_ins.end_all(session, row.id, "revoked")
    return f"已结束「{row}」的 {ended} 个登录。"


class StaffView(OfficeView):
    """员工."""

    area = Area.STAFF
    path = "staff"
    group = "settings"
    order = 10
    acts = KEPT | {Act.ACT}
    is_group_only = True
    create_label = "新增员工"
    purpose = "集团的员工和他们的账号。能看什么、办什么，由任职决定。"
    column_list = ("login", "name", "phone", "email", "must_change_password", "disabled_at")
    column_searchable_list = ("login", "name")
    column_filters = ("login", "name", "disabled_at", "must_change_password")
    form_columns = ("name", "email", "phone")
    verbs = (
        Verb(
            "reset-password",
            "重置密码",
            _reset,
            consequence="将生成一次性密码，原密码作废，其所有登录立即结束。",
            is_told_once=True,
        ),
        Verb("end-sessions", "结束登录", _end_sessions, consequence="其在所有电脑和手机上的登录立即结束。"),
        Verb(
            "disable",
            "停用账号",
            _disable,
            fits=lambda row: row.disabled_at is None,
            consequence="停用后不能登录，现有登录立即结束；经办过的记录不变。",
        ),
        Verb("enable", "恢复账号", _enable, fits=lambda row: row.disabled_at is not None),
    )

    def may_reveal(self) -> bool:
        """Tell whether colleagues' telephone and mail are shown in full: to who keeps the accounts."""
        return self.allows(Act.EDIT)

    def get_create_form(self) -> Any:
        """Return the form a person is taken on with."""
        asked: dict[str, Any] = {
            "login": Line("登录名", [required("登录名"), Length(max=64)], description="小写字母和数字，例如 wangmin。"),
            "name": Line("姓名", [required("姓名"), Length(max=50)]),
            "email": Line("邮箱", [Length(max=254)], description="升级通知发往这里。"),
            "phone": Line("电话", [Length(max=32)]),
        }
        return form_class(asked)

    def make(self, form: Any) -> Any:
        """Take the person on; the one-time password is shown once and kept nowhere."""
        person, g.one_time_password = staff.take_on(
            self.session,
            login=form["login"].data,
            name=form["name"].data,
            email=form["email"].data,
            phone=form["phone"].data,
        )
        return person

    def made_answer(self, row: Any) -> Any:
        """Show the one-time password."""
        sentence = f"已新增「{row.name}」，登录名 {row.login}，一次性密码：{g.one_time_password}。请再登记任职。"
        return self.told_page(row, sentence)


class PostingView(OfficeView):
    """任职."""

    area = Area.STAFF
    path = "postings"
    group = "settings"
    order = 20
    acts = KEPT
    is_group_only = True
    purpose = "谁从哪天到哪天在哪里任什么职。只看得到任职所及的管理处。离任请填截止日，不要改人。"
    column_list = ("staff", "role", "level", "office", "company", "department", "from_on", "to_on")
    column_searchable_list = ("staff.name", "staff.login")
    column_filters = ("staff.name", "role", "level", "office.name", "company.name", "from_on", "to_on")
    form_columns = ("staff", "role", "level", "company", "office", "department", "from_on", "to_on")

    def check(self, row: Any) -> None:
        """Refuse a role that is not held at the level, and a department of another office than the posting's."""
        staff.require_level(row.role, row.level)
        if row.department is not None and (row.office is None or row.department.office_id != row.office.id):
            raise Refusal(
                code="foreign_department",
                message="所选部门不属于任职的管理处。请选择该管理处的部门，或留空。",
                field="department",
                value=row.department.name,
            )


VIEWS = ((StaffView, Staff), (PostingView, Posting))
