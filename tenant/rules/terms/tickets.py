"""The words for matters of the desk: kinds, states, gravities, clocks (A-W1 to A-C12)."""

from tenant.rules.terms.term import Term


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
    WAITING = "waiting", "等待中"
    DONE = "done", "已完成"
    CLOSED = "closed", "已关闭"
    INVALID = "invalid", "无效"
    MERGED = "merged", "已并入"


class WorkOrderState(Term):
    """处理单状态 — where one work order stands."""

    DISPATCHED = "dispatched", "待签收"
    RECEIVED = "received", "已签收"
    ACCEPTED = "accepted", "已接单"
    ON_THE_WAY = "on_the_way", "在途"
    UNDER_WAY = "under_way", "处理中"
    WAITING = "waiting", "等待中"
    DONE = "done", "已完成"
    SIGNED = "signed", "客户已签字"
    FILED = "filed", "已归档"
    REDISPATCHED = "redispatched", "已改派"
    CANCELLED = "cancelled", "已撤销"


class PauseReason(Term):
    """等待原因 — what work under way may wait for; meanwhile its clocks stand still (A-W5, B-W19)."""

    OWNER = "owner", "等业主"
    THIRD_PARTY = "third_party", "等第三方"
    MATERIAL = "material", "等材料"
    APPOINTMENT = "appointment", "等预约时间"


class ContactMethod(Term):
    """联系方式 — how the customer was spoken to until the matter was done (A-W7)."""

    PHONE = "phone", "电话"
    VISIT = "visit", "上门"
    DESK = "desk", "前台面谈"
    MESSAGE = "message", "短信或微信"


class RectificationState(Term):
    """整改状态 — where the builder's work on a defect stands (A-R2 to A-R6)."""

    ISSUED = "issued", "待施工单位签收"
    SIGNED_FOR = "signed_for", "施工单位已签收"
    RETURNED = "returned", "已报完工"
    REJECTED = "rejected", "验收不合格"
    ACCEPTED = "accepted", "验收合格"
    OWNER_SIGNED = "owner_signed", "业主已签字"
    FILED = "filed", "已归档"
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
    WAITING = "waiting", "等待到期"
    COMPLETION_REPLY = "completion_reply", "完工告知"
    RETURN = "return", "当日回单"
    INSPECTION = "inspection", "整改验收"


class ClockStart(Term):
    """时限起点 — the event that starts a clock."""

    RECEIPT = "receipt", "接报"
    DISPATCH = "dispatch", "派单"
    GRADING = "grading", "定级"
    CONTACT = "contact", "上次联系"
    COMPLETION = "completion", "完成"
    PAUSE = "pause", "等待"
    BUILDER_DONE = "builder_done", "施工单位报完工"


class ClockMeasure(Term):
    """时限单位 — how a clock's length is counted."""

    MINUTES = "minutes", "分钟"
    SAME_DAY = "same_day", "当日"
    DAYS = "days", "天"
    MONTHS = "months", "个月"


class Rate(Term):
    """办理指标 — what an office is measured by, each a share of matters in a period (A-W14)."""

    ACCEPTED = "accepted", "受理率"
    HANDLED = "handled", "办理率"
    ON_TIME = "on_time", "及时率"
    FOLLOWED_UP = "followed_up", "回访率"
    FOLLOWED_UP_ON_TIME = "followed_up_on_time", "按时回访率"
    REPLIED = "replied", "答复率"
    SATISFIED = "satisfied", "满意率"
    REOPENED = "reopened", "返工率"


class Grouping(Term):
    """统计口径 — by what the rates of an office are told apart (A-W9, A-W15)."""

    CATEGORY = "category", "类别"
    DEPARTMENT = "department", "处理部门"
    TOPIC = "topic", "事项分类"
    BUILDING = "building", "楼栋"
    PERSON = "person", "承办人"


class ClockCalendar(Term):
    """时限日历 — in which hours the time of a clock passes (B-S1)."""

    ALWAYS = "always", "全天候"
    DESK_HOURS = "desk_hours", "前台上班时间"
    WORKING_DAYS = "working_days", "工作日"


class AttachmentKind(Term):
    """附件种类 — what a file that hangs on a matter is."""

    PHOTO = "photo", "照片"
    RECORDING = "recording", "录音"
    DOCUMENT = "document", "文件"


class AttachmentPurpose(Term):
    """附件用途 — what a file that hangs on a matter shows (A-W9, A-C9)."""

    REPORTED = "reported", "报事所附"
    BEFORE = "before", "处理前"
    AFTER = "after", "处理后"
    SIGNATURE = "signature", "客户签字"
    OTHER = "other", "其他"
