"""The words the whole domain shares: each is stored by its English value and shown by its Chinese label."""

from enum import StrEnum
from typing import Self


class Term(StrEnum):
    """A stored value with the label shown for it: `Gravity.GRAVE == "grave"`, `Gravity.GRAVE.label == "重大"`."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """Build a member from its stored value and its Chinese label; looking one up takes the value alone."""
        member = str.__new__(cls, value)
        member._value_, member.label = value, label
        return member


class Role(Term):
    """岗位角色 — what a posting lets a person do (A-O3, A-O4)."""

    GROUP_CENTRE = "group_centre", "集团客户服务中心"
    COMPANY_CENTRE = "company_centre", "公司客户服务中心"
    GENERAL_MANAGER = "general_manager", "公司总经理"
    DIRECTOR = "director", "管理处主任"
    ASSISTANT = "assistant", "物业助理"
    SUPERVISOR = "supervisor", "客服主管"
    FRONT_DESK = "front_desk", "前台客服"
    DEPARTMENT_HEAD = "department_head", "部门负责人"
    ENGINEERING_ASSISTANT = "engineering_assistant", "工程助理"
    TECHNICIAN = "technician", "维修人员"
    FINANCE_ASSISTANT = "finance_assistant", "财务助理"
    OFFICE_ADMIN = "office_admin", "管理处管理员"
    AUDITOR = "auditor", "审计员"
    SYSTEM_ADMIN = "system_admin", "系统管理员"
    LEGAL_COUNSEL = "legal_counsel", "法律顾问"

    @property
    def signs_in(self) -> bool:
        """Tell whether the role uses the program; legal counsel stands outside and only receives (A-O3)."""
        return self is not Role.LEGAL_COUNSEL


class PostingLevel(Term):
    """任职层级 — how far a posting reaches (A-O1)."""

    GROUP = "group", "集团"
    COMPANY = "company", "公司"
    OFFICE = "office", "管理处"


class DepartmentKind(Term):
    """部门类别 — the departments that take work orders (A-O3)."""

    ENGINEERING = "engineering", "工程"
    SECURITY = "security", "秩序"
    CLEANING = "cleaning", "保洁"
    SERVICE = "service", "客服"
    FINANCE = "finance", "财务"


class TicketKind(Term):
    """票的种类 — what a ticket is about."""

    REQUEST = "request", "报事"
    COMPLAINT = "complaint", "投诉"
    DEFECT = "defect", "整改"


class Gravity(Term):
    """投诉等级 — how grave a complaint is (A-C2, A-C3)."""

    ORDINARY = "ordinary", "一般"
    MAJOR = "major", "重要"
    GRAVE = "grave", "重大"
    INVALID = "invalid", "无效"


class RequestCategory(Term):
    """报事类别 — what kind of service is asked for (A-W1 to B-W18)."""

    REPAIR = "repair", "报修"
    PAID_SERVICE = "paid_service", "特约服务"
    CONSULTATION = "consultation", "咨询"
    SUGGESTION = "suggestion", "建议"
    PUBLIC_FACILITY = "public_facility", "公共设施"
    INTERNAL = "internal", "内部"


class Channel(Term):
    """来源渠道 — how a matter reached the desk (A-W1)."""

    CALL = "call", "来电"
    LETTER = "letter", "来函"
    VISIT = "visit", "来访"
    ONLINE = "online", "线上"


class ReporterKind(Term):
    """报事人类别 — who reported (A-W1)."""

    OWNER = "owner", "业主"
    OCCUPANT = "occupant", "住户"
    DEVELOPER = "developer", "开发商"
    PROPERTY_COMPANY = "property_company", "物业公司"
    DEPARTMENT = "department", "内部部门"
    OTHER = "other", "其他"


class TicketState(Term):
    """票的状态 — where a request, complaint or defect stands."""

    REGISTERED = "registered", "已登记"
    DISPATCHED = "dispatched", "已派单"
    RECEIVED = "received", "已签收"
    UNDER_WAY = "under_way", "处理中"
    DONE = "done", "已完成"
    CLOSED = "closed", "已关闭"
    INVALID = "invalid", "无效"


class WorkOrderState(Term):
    """处理单状态 — where one work order stands."""

    DISPATCHED = "dispatched", "待签收"
    RECEIVED = "received", "已签收"
    UNDER_WAY = "under_way", "处理中"
    DONE = "done", "已完成"
    CANCELLED = "cancelled", "已撤销"


class Satisfaction(Term):
    """满意度 — what the customer said at the follow-up (A-W10)."""

    SATISFIED = "satisfied", "满意"
    ACCEPTABLE = "acceptable", "基本满意"
    DISSATISFIED = "dissatisfied", "不满意"


class ClockKind(Term):
    """时限种类 — what a clock on a ticket waits for."""

    FIRST_REPLY = "first_reply", "首次答复"
    DISPATCH = "dispatch", "派单"
    ON_SITE = "on_site", "到场"
    SAME_DAY = "same_day", "当日完成"
    DAILY_CONTACT = "daily_contact", "每日联系"
    DEPARTMENT_RECEIPT = "department_receipt", "部门签收"
    FORWARD = "forward", "上报"
    FOLLOW_UP = "follow_up", "回访"
    SUGGESTION_REPLY = "suggestion_reply", "建议答复"
    REGRADE = "regrade", "自动升为重大"
    PROMISED = "promised", "约定完成"


class ClockStart(Term):
    """时限起点 — the event that starts a clock."""

    RECEIPT = "receipt", "接报"
    DISPATCH = "dispatch", "派单"
    GRADING = "grading", "定级"
    CONTACT = "contact", "上次联系"
    COMPLETION = "completion", "完成"


class ClockMeasure(Term):
    """时限单位 — how a clock's length is counted."""

    MINUTES = "minutes", "分钟"
    SAME_DAY = "same_day", "当日"
    DAYS = "days", "天"
    MONTHS = "months", "个月"


class OwnerKind(Term):
    """业主类别 — a person or an organisation."""

    PERSON = "person", "个人"
    COMPANY = "company", "单位"


class UnitUsage(Term):
    """房屋用途 — what a unit is used for."""

    RESIDENCE = "residence", "住宅"
    SHOP = "shop", "商铺"
    OFFICE = "office", "写字楼"
    PARKING = "parking", "车位"
    OTHER = "other", "其他"


class HandoverState(Term):
    """交房状态 — whether the unit has been handed over to its owner (A-M3)."""

    PENDING = "pending", "未交房"
    HANDED_OVER = "handed_over", "已交房"


class OccupantRelation(Term):
    """与业主关系 — how someone living in a unit stands to its owner."""

    OWNER = "owner", "业主本人"
    FAMILY = "family", "家属"
    RENTER = "renter", "租户"
    OTHER = "other", "其他"


class ChargeBasis(Term):
    """计费方式 — what a price is multiplied by (B-F1)."""

    AREA = "area", "按面积"
    UNIT = "unit", "按户"
    USAGE = "usage", "按用量"
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

    Withheld: a person keeps it back. Bounced: the next server took it and its recipient's did not.
    """

    QUEUED = "queued", "待发送"
    SENDING = "sending", "发送中"
    SENT = "sent", "已发送"
    FAILED = "failed", "发送失败"
    UNKNOWN = "unknown", "结果不明"
    WITHHELD = "withheld", "已扣发"
    BOUNCED = "bounced", "被退回"


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


class ParkingKind(Term):
    """车位类别 — whose a parking space is."""

    OWNED = "owned", "产权车位"
    CIVIL_DEFENCE = "civil_defence", "人防车位"
    COMMON = "common", "公共车位"


class MeterKind(Term):
    """表计种类 — what a meter counts: water and gas in m³, electricity in kWh, heat in GJ."""

    WATER = "water", "水表"
    ELECTRICITY = "electricity", "电表"
    GAS = "gas", "燃气表"
    HEAT = "heat", "热量表"


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


class ActorKind(Term):
    """操作者类别 — who acted: a signed-in person, the clocks, or a command."""

    PERSON = "person", "人员"
    CLOCKWORK = "clockwork", "系统时钟"
    COMMAND = "command", "命令行"


class Area(Term):
    """功能范围 — the parts of the program a permission speaks of (A-O4)."""

    REQUESTS = "requests", "报事"
    COMPLAINTS = "complaints", "投诉"
    RECTIFICATIONS = "rectifications", "整改"
    FOLLOW_UPS = "follow_ups", "回访"
    UNITS = "units", "房屋"
    OWNERS = "owners", "业主"
    PARKING = "parking", "车位"
    METERS = "meters", "表计"
    CHARGES = "charges", "应收"
    PAYMENTS = "payments", "实收"
    DUNNING = "dunning", "催缴"
    IMPORTS = "imports", "导入"
    MAILS = "mails", "邮件"
    REPORTS = "reports", "报表"
    SUPERVISION = "supervision", "督导"
    AUDIT = "audit", "审计"
    STAFF = "staff", "人员"
    OFFICES = "offices", "管理处"
    POLICY = "policy", "规则参数"
    SCHEDULE = "schedule", "定时任务"


class Act(Term):
    """操作 — what a permission allows within an area (A-O4)."""

    VIEW = "view", "查看"
    CREATE = "create", "新增"
    EDIT = "edit", "修改"
    DELETE = "delete", "删除"
    EXPORT = "export", "导出"
    IMPORT = "import", "导入"
    ACT = "act", "办理"
    REVEAL = "reveal", "查看完整证件与电话"
