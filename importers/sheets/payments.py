"""收款登记: receipts written by hand; one row for each receipt, or for each item of one."""

from importers import columns as of
from importers import columns_money as money
from importers.money.payments import SUBJECTS, plan_payments
from importers.money.rows import assemble_payment
from importers.money.store import load_payments, write_payments
from importers.sheets.arrears import KIND as ARREARS
from importers.sheets.kinds import SheetKind
from tenant.rules.terms import PaymentMethod

METHODS = {
    PaymentMethod.WECHAT: "微信 微信支付 财付通",
    PaymentMethod.ALIPAY: "支付宝",
    PaymentMethod.CARD: "刷卡 POS 信用卡 银行卡 POS机",
    PaymentMethod.TRANSFER: "银行转账 转账 汇款 网银 对公 电汇 银行 转帐 银行代扣 托收 支票",
    PaymentMethod.CASH: "现金 现钞",
}

KIND = SheetKind(
    identifier="payments",
    label="收款登记",
    columns=(
        money.ReceiptColumn(
            "receipt",
            "收据号",
            "收据编号 收据号码 票据号 票据编号 票据号码 收据 单据号 单据编号 凭证号 发票号 发票号码 票号 No",
        ),
        ARREARS.column("building"),
        ARREARS.column("section"),
        ARREARS.column("room"),
        of.NamesColumn(
            "owners",
            "缴费人",
            "缴费人姓名 交费人 交款人 缴款人 付款人 业主姓名 业主 业主名称 姓名 客户姓名 客户名称 户主 "
            "付款单位 交款单位",
        ),
        money.MoneyColumn(
            "amount",
            "收款金额",
            "金额 实收金额 实收 缴费金额 缴款金额 交费金额 收费金额 已收金额 付款金额 金额元 收款额",
        ),
        of.DayColumn(
            "paid_on",
            "收款日期",
            "收款日 缴费日期 交费日期 缴款日期 付款日期 收费日期 日期 开票日期 收据日期 缴费时间 收款时间 交款日期",
        ),
        of.ChoiceColumn(
            "method",
            "收款方式",
            "缴费方式 支付方式 付款方式 交费方式 方式 收费方式 结算方式 缴款方式 支付渠道",
            words=METHODS,
        ),
        of.TextColumn(
            "charge_type",
            "收费项目",
            "项目 费用项目 费用名称 收费项目名称 费项 费用类型 收费类型 费用种类 科目 款项 收费名称",
            longest=50,
        ),
        money.PeriodColumn(
            "period",
            "费用期间",
            "期间 费用月份 账期 所属期 所属月份 费用所属期 计费周期 收费期间 月份 计费月份 费用起止 缴费周期 "
            "收费月份 费用时段",
        ),
        money.ReferenceColumn(
            "reference",
            "流水号",
            "交易流水号 银行流水号 交易号 交易单号 订单号 流水 支付单号 商户单号 交易编号 参考号",
        ),
    ),
    required=(("room",), ("amount",), ("paid_on",), ("method",)),
    key=("building", "section", "room"),
    subjects=SUBJECTS,
    assemble=assemble_payment,
    plan=plan_payments,
    load=load_payments,
    write=write_payments,
)
