"""The words for who acts, where they stand and what they may do (A-O1 to A-O4)."""

from tenant.rules.terms.term import Term


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


class ActorKind(Term):
    """操作者类别 — who acted: a signed-in person, the clocks, or a command."""

    PERSON = "person", "人员"
    CLOCKWORK = "clockwork", "系统时钟"
    COMMAND = "command", "命令行"


class Area(Term):
    """功能范围 — the parts of the program a permission speaks of (A-O4)."""

    DEPARTMENT_BOARD = "department_board", "部门看板"
    OFFICE_BOARD = "office_board", "主管看板"
    ORDER_BOARD = "order_board", "我的处理单"
    REQUESTS = "requests", "报事"
    COMPLAINTS = "complaints", "投诉"
    RECTIFICATIONS = "rectifications", "整改"
    FOLLOW_UPS = "follow_ups", "回访"
    DAILY_LOG = "daily_log", "日常登记"
    TOPICS = "topics", "事项分类"
    DUTIES = "duties", "值班"
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
    HOLIDAYS = "holidays", "节假日"
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
