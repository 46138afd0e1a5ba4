"""欠费与应收: opening balances and charge history; one row for each unit, item and period."""

from importers import columns as of
from importers import columns_money as money
from importers.money.arrears import SUBJECTS, plan_arrears
from importers.money.rows import assemble_arrears
from importers.money.store import load_arrears, write_arrears
from importers.sheets.kinds import SheetKind
from importers.sheets.roster import KIND as ROSTER

KIND = SheetKind(
    identifier="arrears",
    label="欠费与应收",
    columns=(
        ROSTER.column("building"),
        ROSTER.column("section"),
        ROSTER.column("room"),
        of.NamesColumn(
            "owners",
            "业主姓名",
            "业主 业主名称 业主名 姓名 产权人 户主 户主姓名 客户姓名 客户名称 房主 缴费人 缴费人姓名 付款人 欠费人",
        ),
        of.TextColumn(
            "charge_type",
            "收费项目",
            "项目 费用项目 费用名称 收费项目名称 费项 费用类型 收费类型 费用种类 费用科目 科目 款项 收费名称",
            longest=50,
        ),
        money.PeriodColumn(
            "period",
            "费用期间",
            "期间 费用月份 账期 所属期 所属月份 费用所属期 计费周期 收费期间 欠费期间 欠费月份 月份 计费月份 起止日期 "
            "费用起止 欠费起止 缴费周期 收费月份 年月 费用时段 欠费时段 起止时间",
        ),
        of.DayColumn("period_from", "费用起日", "开始日期 起始日期 起日 费用开始日期 计费开始日期 欠费起始日期 起始日"),
        money.LastDayColumn(
            "period_to", "费用止日", "结束日期 截止日期 止日 费用结束日期 计费结束日期 欠费截止日期 终止日期 截止日"
        ),
        of.DayColumn("due_on", "应缴日", "应缴日期 应收日期 到期日 缴费期限 最后缴费日 应付日期 欠费日期 缴款期限"),
        money.MoneyColumn(
            "amount",
            "应收金额",
            "金额 应收 应缴金额 应缴 应收款 应交金额 应交 费用金额 应收费用 应收金额元 金额元 应收合计",
            rounds=True,
        ),
        money.MoneyColumn(
            "paid", "已缴金额", "已缴 已收 已收金额 实收 实收金额 已交 已交金额 实缴金额 实缴 已付", rounds=True
        ),
        money.MoneyColumn(
            "owed",
            "欠费金额",
            "欠费 欠缴 欠缴金额 未缴金额 未缴 未收 未收金额 欠款 欠款金额 余额 欠费合计 期初余额 期初欠费 "
            "尚欠 欠费总额 欠交金额",
            rounds=True,
        ),
        of.DayColumn("paid_on", "缴费日期", "收款日期 实收日期 缴款日期 交费日期 付款日期 缴费时间"),
    ),
    required=(("room",), ("amount", "owed"), ("period", "period_from", "period_to", "due_on")),
    key=("building", "section", "room"),
    subjects=SUBJECTS,
    assemble=assemble_arrears,
    plan=plan_arrears,
    load=load_arrears,
    write=write_arrears,
)
