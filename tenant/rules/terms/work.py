"""The words for what the program does by itself: due actions, mails, imports, jobs, the timetable."""

from tenant.rules.terms.term import Term


class DueState(Term):
    """到期事项状态 — a due action is a row that is done once."""

    PENDING = "pending", "待执行"
    CLAIMED = "claimed", "执行中"
    DONE = "done", "已执行"
    CANCELLED = "cancelled", "已取消"
    DEAD = "dead", "已停止"
    DISCARDED = "discarded", "已放弃"


class MailState(Term):
    """邮件状态 — unknown means: it may or may not have gone out; a person decides.

    Withheld: a person keeps it back. Bounced: the next server took it and its recipient's did not. Gathered: what it
    says goes out in another mail, together with more of the kind.
    """

    QUEUED = "queued", "待发送"
    SENDING = "sending", "发送中"
    SENT = "sent", "已发送"
    FAILED = "failed", "发送失败"
    UNKNOWN = "unknown", "结果不明"
    WITHHELD = "withheld", "已扣发"
    BOUNCED = "bounced", "被退回"
    GATHERED = "gathered", "已并入汇总"


class MailClass(Term):
    """邮件类别 — decides what may be sent again by itself."""

    ESCALATION = "escalation", "升级通知"
    REMINDER = "reminder", "催缴提醒"
    LEGAL = "legal", "法律文书"
    NOTICE = "notice", "一般通知"


class ImportState(Term):
    """导入状态 — where an import batch stands."""

    UPLOADED = "uploaded", "已上传"
    MAPPING = "mapping", "待对列"
    PREVIEWED = "previewed", "已预览"
    APPLYING = "applying", "写入中"
    APPLIED = "applied", "已写入"
    UNDOING = "undoing", "撤销中"
    UNDONE = "undone", "已撤销"
    REFUSED = "refused", "已拒绝"
    CANCELLED = "cancelled", "已取消"
    FAILED = "failed", "失败"


class ImportMode(Term):
    """导入方式 — what a file may do to what the office has already."""

    FILL = "fill", "只补空白"
    UPDATE = "update", "更新"
    REPLACE = "replace", "以文件为准"


class JobState(Term):
    """后台任务状态 — where long work stands."""

    WAITING = "waiting", "等待中"
    RUNNING = "running", "进行中"
    DONE = "done", "已完成"
    FAILED = "failed", "失败"
    CANCELLED = "cancelled", "已取消"


class CatchUp(Term):
    """补做方式 — what becomes of the slots of the timetable that were missed."""

    ALL = "all", "全部补做"
    LATEST = "latest", "只补最近一次"
    SKIP = "skip", "不补"


class BeatKind(Term):
    """进程种类 — what a running process of the program does."""

    SERVE = "serve", "全部"
    WEB = "web", "网页"
    WORKER = "worker", "后台"
    SCHEDULER = "scheduler", "定时"


class DayKind(Term):
    """特殊日期 — how a day differs from its weekday by the public calendar."""

    HOLIDAY = "holiday", "放假"
    WORKING = "working", "调休上班"


class ReportKind(Term):
    """报表种类 — what an office accounts for at a fixed time (A-W15, A-C12)."""

    WEEK = "week", "报事周汇总"
    MONTH = "month", "报事月度分析"
    COMPLAINTS = "complaints", "客户投诉分析报告"
