"""The words for charges, payments and the dunning ladder (B-F1 to B-F7)."""

from tenant.rules.terms.term import Term


class ChargeBasis(Term):
    """计费方式 — what a price is multiplied by (B-F1)."""

    AREA = "area", "按面积"
    UNIT = "unit", "按户"
    USAGE = "usage", "按用量"
    SPACE = "space", "按车位"
    FIXED = "fixed", "固定金额"


class PaymentMethod(Term):
    """收款方式 — how a payment came in (B-F1); carried over: before the books were kept here, as an import says."""

    CASH = "cash", "现金"
    TRANSFER = "transfer", "银行转账"
    CARD = "card", "刷卡"
    WECHAT = "wechat", "微信"
    ALIPAY = "alipay", "支付宝"
    CARRIED_OVER = "carried_over", "期初结转"


class DunningLevel(Term):
    """催缴阶段 — the rungs of the dunning ladder (B-F2 to B-F5, B-F7)."""

    REMINDER = "reminder", "催缴提醒"
    LETTER = "letter", "律师函"
    SUIT = "suit", "起诉"
    WATCH = "watch", "产权关注"


class CustomerSize(Term):
    """客户规模 — whom a rung of the dunning ladder is for (B-F5)."""

    ALL = "all", "全部客户"
    ORDINARY = "ordinary", "一般客户"
    BIG = "big", "大客户"


class DunningNoticeState(Term):
    """催缴通知单状态 — what became of one notice."""

    PLANNED = "planned", "待发出"
    SENT = "sent", "已发出"
    SIGNED = "signed", "已签收"
    SKIPPED = "skipped", "已略过"
    CANCELLED = "cancelled", "已撤销"


class Rounding(Term):
    """取整方式 — to what an amount is rounded once it is worked out (B-F1)."""

    FEN = "fen", "四舍五入到分"
    JIAO = "jiao", "四舍五入到角"
    YUAN = "yuan", "四舍五入到元"
    YUAN_UP = "yuan_up", "进到元"
    YUAN_DOWN = "yuan_down", "舍去角分"


class BillingState(Term):
    """计费批次状态 — where the charging of a month stands (B-F1)."""

    COUNTING = "counting", "试算中"
    COUNTED = "counted", "待入账"
    POSTING = "posting", "入账中"
    POSTED = "posted", "已入账"
    UNDONE = "undone", "已撤销"
    CANCELLED = "cancelled", "已取消"


class ConcessionKind(Term):
    """减免类别 — why a unit is charged less than the price list says (B-F1)."""

    VACANT = "vacant", "空置"
    DISCOUNT = "discount", "优惠"
    HARDSHIP = "hardship", "困难减免"


class ConcessionState(Term):
    """减免状态 — whether somebody other than who asked has agreed to it."""

    ASKED = "asked", "待审批"
    APPROVED = "approved", "已批准"
    REFUSED = "refused", "未批准"
    WITHDRAWN = "withdrawn", "已终止"
