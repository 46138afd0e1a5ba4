"""What an invented desk keeps beside its matters: topics, the daily log, a price, doubles, one cause of many."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from admin.demo import invented
from admin.demo.houses import Home
from tenant import clock
from tenant.calendars import at_local, desk_open, local_day
from tenant.models import Topic
from tenant.rules.terms import Channel, ContactMethod, DepartmentKind, RequestCategory
from tenant.scoping import ScopedSession
from tenant.services import complaints, contacts, daily_log, links, quotes, requests
from tenant.services.lookups import open_office

TREE: Final[dict[RequestCategory | None, dict[str, tuple[str, ...]]]] = {
    RequestCategory.REPAIR: {
        "给排水": ("渗漏水", "排水不畅"),
        "电气": ("插座与开关", "户内照明"),
        "门窗": ("门锁", "推拉门"),
        "门禁对讲": ("门禁", "对讲机"),
    },
    RequestCategory.PUBLIC_FACILITY: {
        "公共设备": ("电梯", "公共照明", "道闸"),
        "公共环境": ("游乐设施", "垃圾清运"),
    },
    RequestCategory.PAID_SERVICE: {"上门服务": ("灯具安装", "管道疏通")},
    RequestCategory.CONSULTATION: {"办事咨询": ("装修", "车位", "费用")},
    RequestCategory.SUGGESTION: {"服务建议": ("设施", "时间")},
    None: {
        "保洁": ("清扫不及时",),
        "秩序": ("噪声", "门岗管理"),
        "工程": ("未按约上门", "渗漏"),
        "前台": ("服务态度",),
    },
}
WORDS: Final = {
    "漏水": "渗漏水",
    "渗水": "渗漏水",
    "滴水": "渗漏水",
    "下水": "排水不畅",
    "插座": "插座与开关",
    "声控灯": "户内照明",
    "推拉门": "推拉门",
    "锁芯": "门锁",
    "门禁": "门禁",
    "对讲": "对讲机",
    "电梯": "电梯",
    "照明": "公共照明",
    "道闸": "道闸",
    "游乐": "游乐设施",
    "垃圾桶": "垃圾清运",
    "装修进场": "装修",
    "车位": "车位",
    "收费": "费用",
    "发票": "费用",
    "增设": "设施",
    "时间": "时间",
    "清扫": "清扫不及时",
    "噪声": "噪声",
    "上午到场": "未按约上门",
    "登记即放行": "门岗管理",
    "淋湿": "渗漏",
    "态度": "服务态度",
    "灯具": "灯具安装",
}
"""A word of what was said → the topic it belongs to."""
SAID: Final = (
    ("问快递柜取件码", "已告知向快递公司查询"),
    ("问物业费缴到几月", "已查告缴至上季度"),
    ("来领装修出入证", "已发给"),
    ("问游泳池开放时间", "已告知"),
    ("借手推车", "已登记借出"),
    ("反映楼下电动车占道", "已请秩序员劝离"),
)
TOLD_TOMORROW: Final = ("卫生间灯一闪一闪", "阳台晾衣架摇不动", "信箱锁打不开")
LEAK: Final = "楼道主管爆裂，水流入户"


class Topics:
    """The topics of an invented office, found by what was said."""

    def __init__(self, session: ScopedSession, office_id: int, departments: dict[DepartmentKind, int]) -> None:
        """Make the tree."""
        self._by_name: dict[tuple[RequestCategory | None, str], int] = {}
        for category, roots in TREE.items():
            for root, leaves in roots.items():
                engineering = category in {RequestCategory.REPAIR, RequestCategory.PUBLIC_FACILITY}
                department_id = departments[DepartmentKind.ENGINEERING] if engineering else None
                above = Topic(office_id=office_id, name=root, category=category, department_id=department_id)
                session.add(above)
                session.flush()
                for leaf in leaves:
                    row = Topic(
                        office_id=office_id,
                        name=leaf,
                        category=category,
                        parent_id=above.id,
                        department_id=department_id,
                        urgent=leaf in {"渗漏水", "电梯"},
                    )
                    session.add(row)
                    session.flush()
                    self._by_name[category, leaf] = row.id

    def of(self, category: RequestCategory | None, content: str) -> int | None:
        """Return the topic that a sentence is about, None when it has none."""
        names = (name for word, name in WORDS.items() if word in content)
        return next((self._by_name[category, name] for name in names if (category, name) in self._by_name), None)


def build(
    session: ScopedSession,
    random: Random,
    office_id: int,
    *,
    homes: Sequence[Home],
    topics: Topics,
    departments: dict[DepartmentKind, int],
    now: datetime,
) -> None:
    """Enter three days of the log, and one each of what joins matters and of a service that is paid for."""
    _log(session, random, office_id, homes, now)
    few = random.sample(list(homes), min(6, len(homes)))
    _burst(session, random, office_id, few[:4], topics, departments, now)
    _priced(session, office_id, few[-1], topics, now)
    _again_and_again(session, office_id, few[0], topics, departments, now)


def _log(session: ScopedSession, random: Random, office_id: int, homes: Sequence[Home], now: datetime) -> None:
    office = open_office(session, office_id)
    for _ in range(24):
        at = now - timedelta(minutes=random.randrange(10, 3 * 24 * 60))
        content, answer = random.choice(SAID)
        with clock.at(at):
            daily_log.write(
                session,
                office_id=office_id,
                content=content,
                answer=answer,
                channel=random.choice((Channel.CALL, Channel.VISIT)),
                unit_id=random.choice(homes).unit_id,
                caller_name=invented.person(random),
                caller_phone=invented.phone(random),
            )
    night = at_local(local_day(now, office.zone), office.desk_opens, office.zone) - timedelta(hours=2)
    for number, content in enumerate(TOLD_TOMORROW):
        at = min(night, now) - timedelta(hours=number)
        if desk_open(at, office.desk_opens, office.desk_closes, office.zone):
            continue
        with clock.at(at):
            daily_log.write(
                session,
                office_id=office_id,
                content=content,
                unit_id=random.choice(homes).unit_id,
                caller_name=invented.person(random),
                caller_phone=invented.phone(random),
                put_off=True,
            )


def _burst(
    session: ScopedSession,
    random: Random,
    office_id: int,
    homes: Sequence[Home],
    topics: Topics,
    departments: dict[DepartmentKind, int],
    now: datetime,
) -> None:
    """Register a burst main with the flats it ran into, and one of them reported twice."""
    reported = []
    for number, home in enumerate([None, *homes, homes[0]]):
        category = RequestCategory.PUBLIC_FACILITY if home is None else RequestCategory.REPAIR
        with clock.at(now - timedelta(minutes=50 - number)):
            made = requests.register_request(
                session,
                office_id=office_id,
                category=category,
                urgent=True,
                unit_id=None if home is None else home.unit_id,
                location="3 栋 1 单元管道井" if home is None else None,
                content=LEAK if home is None else "家里突然进水，漏水严重",
                reporter_name=invented.person(random),
                reporter_phone=invented.phone(random),
                topic_id=topics.of(category, "漏水"),
            )
            contacts.contact(session, made.ticket_id, ContactMethod.PHONE, told="已关闭总阀，正在抢修")
        reported.append(made)
    cause, *flats, double = reported
    with clock.at(now - timedelta(minutes=45)):
        for flat in flats:
            links.answer_with(session, flat.ticket_id, cause.ticket_id)
        links.merge(session, double.ticket_id, flats[0].ticket_id)
        order = requests.dispatch(session, cause.id, departments[DepartmentKind.ENGINEERING])
    with clock.at(now - timedelta(minutes=35)):
        requests.arrive(session, order.id)


def _priced(session: ScopedSession, office_id: int, home: Home, topics: Topics, now: datetime) -> None:
    """Register a paid service whose price is agreed and not yet paid."""
    with clock.at(now - timedelta(minutes=30)):
        made = requests.register_request(
            session,
            office_id=office_id,
            category=RequestCategory.PAID_SERVICE,
            unit_id=home.unit_id,
            content="餐厅安装吊灯一盏，灯具自备",
            topic_id=topics.of(RequestCategory.PAID_SERVICE, "灯具"),
        )
        quotes.add_line(session, made.id, "吊灯安装", Decimal(1), Decimal("80.00"))
        quotes.add_line(session, made.id, "辅材（膨胀螺丝、电线）", Decimal(1), Decimal("15.50"))
        contacts.contact(session, made.ticket_id, ContactMethod.PHONE, told="报价 95.50 元", answer="同意")
        quotes.agree(session, made.id)


def _again_and_again(
    session: ScopedSession,
    office_id: int,
    home: Home,
    topics: Topics,
    departments: dict[DepartmentKind, int],
    now: datetime,
) -> None:
    """Complain of one matter for the third time, the first two unresolved: it is grave (A-C2a)."""
    for days in (25, 12, 0):
        with clock.at(now - timedelta(days=days, minutes=8)):
            complaints.register_complaint(
                session,
                office_id=office_id,
                unit_id=home.unit_id,
                content="楼上装修噪声超时，多次反映未见制止",
                topic_id=topics.of(None, "噪声"),
                department_id=departments[DepartmentKind.SECURITY],
                harm_continues=days == 0,
            )
