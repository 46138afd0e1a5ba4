"""The invented offices' defects under warranty and their builders: one in every state, some of them late."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final

from sqlalchemy import select

from admin.demo import invented
from admin.demo.houses import Home
from tenant import clock
from tenant.calendars import local_day
from tenant.models import Builder, Defect, Office, Posting, Rectification
from tenant.rules.terms import Channel, ReporterKind, RequestCategory, Role, Satisfaction
from tenant.scoping import ScopedSession
from tenant.services import defects, follow_ups, rectifications, requests, tickets

BUILDERS: Final = ("云岭建筑工程公司", "北坡防水工程公司", "宏门门窗安装公司")
FOUND: Final = (
    ("主卧外墙", "下雨后主卧外墙内侧渗水、墙纸发霉", "外墙防水层开裂"),
    ("卫生间", "楼下反映卫生间顶棚滴水", "卫生间防水层未做到位"),
    ("阳台门", "阳台推拉门变形，关不严", "门框安装偏差"),
    ("客厅地面", "客厅地砖空鼓、两块起拱", "铺贴砂浆不饱满"),
    ("屋面", "顶层卧室天花板有水印", "屋面卷材搭接处开口"),
    ("窗框", "次卧窗框四周漏风漏雨", "窗框密封胶脱落"),
)
WRONG: Final = ("淋水一小时后仍有渗漏", "收口粗糙，颜色不一致", "门扇仍与门框摩擦")
NOTED: Final = ("已进场搭设脚手架", "材料已到，明日开工", "已电话催促，答应加派人手", "防水层完成，等待干燥")
AGES: Final = (95, 60, 38, 24, 12, 9, 6, 4, 2, 1)
"""How many days ago each defect was reported; the older, the further it is."""


def build(session: ScopedSession, random: Random, office_id: int, homes: Sequence[Home]) -> None:
    """Register a few defects and take each as far as its age says."""
    builders = [
        Builder(office_id=office_id, name=name, head_name=invented.person(random), head_phone=invented.phone(random))
        for name in BUILDERS
    ]
    session.add_all(builders)
    session.flush()
    zone = session.get_one(Office, office_id).zone
    technician = session.scalars(select(Posting.id).where(Posting.role == Role.TECHNICIAN).limit(1)).one()
    now = clock.now()
    for number, age in enumerate(AGES):
        reported_at = now - timedelta(days=age, minutes=random.randrange(30, 600))
        work = _Work(session, random, random.choice(builders), zone, now)
        found = work.report(office_id, random.choice(homes), reported_at, from_request=number % 3 == 0)
        work.carry_on(found, technician, reported_at, number)


class _Work:
    """What becomes of one defect, day after day, up to the present."""

    def __init__(self, session: ScopedSession, random: Random, builder: Builder, zone: str, now: datetime) -> None:
        """Keep what every step needs."""
        self.session, self.random, self.builder, self.zone, self.now = session, random, builder, zone, now

    def report(self, office_id: int, home: Home, at: datetime, *, from_request: bool) -> Defect:
        """Register the defect, or the repair that it turns out to be."""
        part, content, self.cause = self.random.choice(FOUND)
        until = local_day(at, self.zone) + timedelta(days=self.random.randrange(90, 700))
        with clock.at(at):
            if from_request:
                asked = requests.register_request(
                    self.session,
                    office_id=office_id,
                    unit_id=home.unit_id,
                    content=content,
                    category=RequestCategory.REPAIR,
                    reporter_name=invented.person(self.random),
                    reporter_phone=invented.phone(self.random),
                )
                return defects.from_request(self.session, asked.id, part=part, warranty_until=until)
            return defects.register_defect(
                self.session,
                part=part,
                warranty_until=until,
                office_id=office_id,
                unit_id=home.unit_id,
                content=content,
                channel=Channel.VISIT,
                reporter_kind=ReporterKind.OWNER,
                reporter_name=invented.person(self.random),
                reporter_phone=invented.phone(self.random),
            )

    def carry_on(self, found: Defect, technician: int, at: datetime, number: int) -> None:
        """Send somebody, confirm, issue; leave the youngest where they are."""
        if not self._passed(at := at + timedelta(hours=3)):
            return
        with clock.at(at):
            defects.send(self.session, found.id, technician)
        if not self._passed(at := at + timedelta(days=1)):
            return
        with clock.at(at):
            defects.confirm(self.session, found.id, self.cause, owner_signed=True)
        if not self._passed(at := at + timedelta(hours=20)):
            return
        with clock.at(at):
            agreed_on = local_day(at, self.zone) + timedelta(days=self.random.randrange(3, 8))
            record = rectifications.issue(self.session, found.id, self.builder.id, agreed_on)
        self._build(found, record, at, number)

    def _build(self, found: Defect, record: Rectification, at: datetime, number: int) -> None:
        """Let the builder sign, work, be late or be sent back once, and the owner sign in the end."""
        with clock.at(at := at + timedelta(minutes=40)):
            rectifications.sign_for(self.session, record.id, str(self.builder.head_name))
            rectifications.take_second_copy(self.session, record.id)
        if self._passed(at + timedelta(days=1)):
            with clock.at(at := at + timedelta(days=1)):
                rectifications.note(self.session, record.id, self.random.choice(NOTED))
        is_late = number in {3, 4}
        if is_late or not self._passed(at := at + timedelta(days=2)):
            return
        with clock.at(at):
            rectifications.report_done(self.session, record.id)
        if number % 2 == 1 and self._passed(at + timedelta(days=3)):
            with clock.at(at := at + timedelta(days=1)):
                again = local_day(at, self.zone) + timedelta(days=3)
                rectifications.reject(self.session, record.id, self.random.choice(WRONG), again)
            with clock.at(at := at + timedelta(days=2)):
                rectifications.report_done(self.session, record.id)
        if self._passed(at := at + timedelta(hours=22)):
            self._sign(found, record, at)

    def _sign(self, found: Defect, record: Rectification, at: datetime) -> None:
        """Accept the work, let the owner sign, ask the owner, file the record."""
        with clock.at(at):
            rectifications.accept(self.session, record.id, findings="现场复验无渗漏、无松动")
        if not self._passed(at := at + timedelta(hours=5)):
            return
        with clock.at(at):
            rectifications.owner_sign(self.session, record.id)
        if not self._passed(at := at + timedelta(days=2)):
            return
        with clock.at(at):
            happy = self.random.choice(list(Satisfaction)[:2])
            follow_ups.follow_up(self.session, found.ticket_id, happy, answer=self.random.choice(invented.ANSWERS))
            tickets.close(self.session, found.ticket_id)
            rectifications.file(self.session, record.id)

    def _passed(self, instant: datetime) -> bool:
        return instant <= self.now
