"""How a month comes to be charged: the price list, concessions, and the runs (B-F1)."""

from calendar import monthrange
from datetime import date
from decimal import Decimal
from typing import Any

from flask import jsonify, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import func, select
from wtforms.validators import Length

from admin import access, working
from admin.access import needs
from admin.acting import Verb
from admin.fields import Amount, Day, Line, Lines, TermField, form_class, required
from admin.office_view import OfficeView
from admin.saving import NO_OFFICE
from tenant.errors import NotFound, Refusal
from tenant.models import BillingLine, BillingRun, ChargeType, Concession, Job, Tariff, Unit
from tenant.rules.terms import Act, Area, BillingState, ConcessionKind, ConcessionState, JobState
from tenant.services import billing, concessions, jobs, tariffs
from tenant.services.billing_lines import PROBLEMS

WORKS = {billing.COUNTING: "正在试算", billing.POSTING: "正在入账", billing.UNDOING: "正在撤销"}
"""The kinds of long work on a run, as the card that follows it is titled."""
LIVE = frozenset({JobState.WAITING, JobState.RUNNING})
REASON = "原因"


def _end(session: Any, row: Any, told: dict[str, Any]) -> str:
    tariffs.end(session, row.id, told["to_on"])
    return f"「{row.charge_type}」的这个标准到 {row.to_on} 为止。"


class TariffView(OfficeView):
    """收费标准."""

    area = Area.CHARGES
    path = "tariffs"
    group = "charges"
    order = 45
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EXPORT})
    create_label = "公布标准"
    purpose = "每个收费项目从哪天起执行什么价格、依据什么文件。新标准公布后，原标准到前一天为止；已入账的不变。"
    column_list = ("charge_type", "charge_type.basis", "price", "from_on", "to_on", "basis")
    column_searchable_list = ("charge_type.name",)
    column_filters = ("charge_type.name", "price", "from_on", "to_on")
    column_default_sort = ("from_on", True)
    extra_labels = {"charge_type.basis": "计费方式"}
    targets = {"charge_type": (ChargeType, (ChargeType.retired_at.is_(None),))}
    verbs = (
        Verb(
            "end",
            "定截止日",
            _end,
            fields=lambda _: {"to_on": Day("截止日", [required("截止日")])},
            permits=((None, Act.CREATE),),
            consequence="截止日之后没有新标准的日子将无法计费。",
        ),
    )

    def get_create_form(self) -> Any:
        """Return the form a price is published with."""
        asked: dict[str, Any] = {
            "charge_type": self.reference("charge_type", "收费项目"),
            "price": Amount("单价（元）", [required("单价")], precision=12, scale=4),
            "from_on": Day("执行日", [required("执行日")]),
            "to_on": Day("截止日", [], description="不填即长期有效。"),
            "basis": Line("收费依据", [Length(max=200)], description="合同、业主大会决议或物价文件的名称和文号。"),
        }
        return form_class(asked)

    def make(self, form: Any) -> Any:
        """Publish the price."""
        return tariffs.publish(
            self.session,
            form["charge_type"].data.id,
            form["price"].data,
            form["from_on"].data,
            to_on=form["to_on"].data,
            basis=form["basis"].data,
        )


def _agree(session: Any, row: Any, _told: dict[str, Any]) -> str:
    concessions.decide(session, row.id, agreed=True)
    return f"已批准「{row}」，从下一次计费起按 {row.share:f} 收取。"


def _refuse(session: Any, row: Any, _told: dict[str, Any]) -> str:
    concessions.decide(session, row.id, agreed=False)
    return f"未批准「{row}」。"


def _withdraw(session: Any, row: Any, _told: dict[str, Any]) -> str:
    concessions.withdraw(session, row.id)
    return f"已终止「{row}」，以后的计费不再减免。"


class ConcessionView(OfficeView):
    """减免."""

    area = Area.CHARGES
    path = "concessions"
    group = "charges"
    order = 50
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EXPORT})
    create_label = "申请减免"
    purpose = "空置、优惠和困难减免。由一人申请、第二人批准，批准后的计费才减。"
    column_list = ("unit", "charge_type", "kind", "share", "from_on", "to_on", "state", "why")
    column_searchable_list = ("unit.number",)
    column_filters = ("unit.number", "kind", "state", "from_on", "to_on")
    targets = {"unit": (Unit, ()), "charge_type": (ChargeType, (ChargeType.retired_at.is_(None),))}
    verbs = (
        Verb("agree", "批准", _agree, fits=lambda row: row.state is ConcessionState.ASKED),
        Verb("refuse", "不批准", _refuse, fits=lambda row: row.state is ConcessionState.ASKED),
        Verb(
            "withdraw",
            "终止",
            _withdraw,
            fits=lambda row: row.state in {ConcessionState.ASKED, ConcessionState.APPROVED},
            consequence="以后的计费不再减免；已入账的不变。",
        ),
    )

    def get_create_form(self) -> Any:
        """Return the form a concession is asked for with."""
        asked: dict[str, Any] = {
            "unit": self.reference("unit", "房屋"),
            "charge_type": self.reference("charge_type", "收费项目", blank=True),
            "kind": TermField("减免类别", [], terms=ConcessionKind, blank=False),
            "share": Amount(
                "收取比例", [required("收取比例")], precision=5, scale=4, description="七折填 0.7，全免填 0。"
            ),
            "from_on": Day("起始日", [required("起始日")]),
            "to_on": Day("截止日", [required("截止日")]),
            "why": Lines("理由", [required("理由"), Length(max=200)]),
        }
        return form_class(asked)

    def make(self, form: Any) -> Any:
        """Ask for the concession: it counts once somebody else has agreed."""
        item = form["charge_type"].data
        return concessions.ask(
            self.session,
            form["unit"].data.id,
            form["kind"].data,
            form["share"].data,
            (form["from_on"].data, form["to_on"].data),
            form["why"].data,
            charge_type_id=item.id if item else None,
        )


def _post(session: Any, row: Any, _told: dict[str, Any]) -> str:
    billing.ask_post(session, row.id)
    return f"正在把 {row} 的 {row.lines:,} 笔应收入账。"


def _recount(session: Any, row: Any, _told: dict[str, Any]) -> str:
    billing.recount(session, row.id)
    return f"正在重新试算 {row}。"


def _cancel(session: Any, row: Any, _told: dict[str, Any]) -> str:
    billing.cancel(session, row.id)
    return f"已取消 {row} 的计费，没有写入任何应收。"


def _undo(session: Any, row: Any, told: dict[str, Any]) -> str:
    billing.ask_undo(session, row.id, told["reason"])
    return f"正在撤销 {row} 的计费。"


def _stands(state: BillingState) -> Any:
    return lambda row: row.state is state


class BillingRunView(OfficeView):
    """计费批次."""

    area = Area.CHARGES
    path = "billing_runs"
    group = "charges"
    order = 5
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EXPORT})
    create_label = "按月计费"
    purpose = "一次为全部房屋算出一个月的应收：先试算核对，再入账；没有人缴费之前可以整批撤销。"
    column_list = ("month", "state", "lines", "total", "problems", "due_on", "asked_by", "posted_at")
    column_details_list = (
        "month", "state", "due_on", "lines", "total", "problems", "asked_by", "counted_at", "posted_by", "posted_at",
        "ended_at", "failed_why",
    )  # fmt: skip
    column_filters = ("month", "state", "due_on")
    column_default_sort = ("month", True)
    details_template = "wuguan/billing_run.html"
    targets = {"item": (ChargeType, (ChargeType.is_monthly, ChargeType.retired_at.is_(None)))}
    verbs = (
        Verb(
            "post",
            "入账",
            _post,
            fits=lambda row: row.state is BillingState.COUNTED and bool(row.lines),
            permits=((None, Act.CREATE),),
            consequence="按试算结果为全部房屋写入应收，预收款自动核销。没有人缴费之前可以整批撤销。",
        ),
        Verb("recount", "重新试算", _recount, fits=_stands(BillingState.COUNTED), permits=((None, Act.CREATE),)),
        Verb("cancel", "取消", _cancel, fits=_stands(BillingState.COUNTED), permits=((None, Act.CREATE),)),
        Verb(
            "undo",
            "撤销",
            _undo,
            fields=lambda _: {"reason": Lines(REASON, [required(REASON), Length(max=200)])},
            fits=_stands(BillingState.POSTED),
            consequence="这一批的应收全部删除，用掉的预收款退回。已有人缴费的不能撤销。",
        ),
    )

    def get_create_form(self) -> Any:
        """Return the form a month is charged with."""
        asked: dict[str, Any] = {
            "month": Day("费用月份", [required("费用月份")], description="填这个月的任何一天。"),
            "item": self.reference("item", "收费项目", blank=True),
            "due_on": Day("应缴日", [], description="不填即按收费项目的每月应缴日。"),
        }
        asked["item"].kwargs["description"] = "不填即全部按月计费的项目。"
        return form_class(asked)

    def make(self, form: Any) -> Any:
        """Begin the run: its preview is counted in the background."""
        office, item = access.office_at_hand(), form["item"].data
        if office is None:
            raise Refusal(code="no_office", message=NO_OFFICE)
        chosen = [item.id] if item else billing.monthly_items(self.session, office.id)
        return billing.begin(self.session, office.id, form["month"].data, chosen, due_on=form["due_on"].data)

    @expose("/progress/")
    @needs(Act.VIEW)
    def progress_view(self) -> ResponseReturnValue:
        """Tell a page that waits how far the work on a run is; 404 where there never was any."""
        job = self.job_of(self.row_asked_for())
        if job is None:
            raise NotFound
        return jsonify(working.told(job))

    def job_of(self, row: Any) -> Job | None:
        """Return the latest work on a run, None where there was none."""
        found = [job for kind in WORKS if (job := jobs.latest(self.session, kind, row.id)) is not None]
        return max(found, key=lambda job: job.id, default=None)

    def under_way(self, row: Any) -> dict[str, Any] | None:
        """Return the work on a run that is under way, for the card that follows it; None where there is none."""
        job = self.job_of(row)
        if job is None or job.state not in LIVE:
            return None
        return {"title": f"{WORKS[job.kind]} {row}", "told": working.told(job)}

    def lines_url(self, row: Any, *, problems: bool = False) -> str:
        """Return the address of a run's lines, all of them or those that cannot be charged."""
        asked = {"flt0_billing_run.id-from": row.id, "flt1_billing_run.id-to": row.id}
        if problems:
            asked["flt2_problem-has"] = "_"
        return str(url_for("billing_lines.index_view", **asked))

    def items_of(self, row: Any) -> list[dict[str, Any]]:
        """Return what a run comes to by item, against the month before."""
        statement = (
            select(
                ChargeType.name,
                func.count(BillingLine.amount),
                func.coalesce(func.sum(BillingLine.amount), 0),
                func.count(BillingLine.problem),
            )
            .join(ChargeType, ChargeType.id == BillingLine.charge_type_id)
            .where(BillingLine.billing_run_id == row.id, BillingLine.office_id == row.office_id)
            .group_by(ChargeType.id, ChargeType.name)
            .order_by(ChargeType.id)
        )
        before = billing.before_by_item(self.session, row)
        return [
            {"name": name, "lines": lines, "total": total, "problems": problems, "before": before.get(name)}
            for name, lines, total, problems in self.session.execute(statement)
        ]


class BillingLineView(OfficeView):
    """计费明细."""

    area = Area.CHARGES
    path = "billing_lines"
    group = "charges"
    order = 6
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "每一批计费为每户每项算出多少、怎样算的、上月多少，以及哪些不能计费、为什么。"
    column_list = (
        "billing_run", "unit", "charge_type", "owner", "period_from", "period_to", "amount", "before", "problem",
        "workings",
    )  # fmt: skip
    column_searchable_list = ("unit.number",)
    column_filters = (
        "billing_run.month", "billing_run.id", "unit.number", "charge_type.name", "amount", "before", "problem",
    )  # fmt: skip
    extra_labels = {"billing_run.id": "批次编号"}

    def show_problem(self, row: Any) -> str:
        """Return why the unit cannot be charged, and what to do."""
        return PROBLEMS.get(row.problem or "", "")

    def show_workings(self, row: Any) -> str:
        """Return how the amount came about."""
        return "；".join(_said(piece) for piece in row.workings or ())


def _said(piece: dict[str, Any]) -> str:
    """Return one stretch of days as what is multiplied: price, quantity, the days of a broken month, the share."""
    first, last = date.fromisoformat(piece["from"]), date.fromisoformat(piece["to"])
    month, days = monthrange(first.year, first.month)[1], (last - first).days + 1
    factors = [_plain(piece["price"]), piece["quantity"]]
    factors += [] if days == month else [f"{days}/{month} 天"]
    factors += [] if piece["share"] == "1" else [_plain(piece["share"])]
    return f"{first:%m-%d} 至 {last:%m-%d}：{' × '.join(factors)}"


def _plain(number: str) -> str:
    """Return a number without zeros at its end."""
    return f"{Decimal(number).normalize():f}"


VIEWS = (
    (BillingRunView, BillingRun),
    (BillingLineView, BillingLine),
    (TariffView, Tariff),
    (ConcessionView, Concession),
)
