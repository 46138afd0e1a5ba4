"""The rota: which shifts an office has, who has which of them on which day, and where nobody does (B-S1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, joinedload

from tenant import clock
from tenant.calendars import local_day
from tenant.errors import Refusal
from tenant.models import Duty, Office, Posting, Shift
from tenant.rules.duties import NIGHT_DUTY, NOON_DUTY, Hours, Watch, present, stands_in, uncovered
from tenant.services import absences
from tenant.services.lookups import find

A_WEEK: Final = timedelta(days=7)
USUAL: Final = (("中班", NOON_DUTY, "中午值班"), ("夜班", NIGHT_DUTY, "夜间值守前台"))
"""The shifts that the handbook names (B-S1)."""


@dataclass(frozen=True, slots=True)
class OnRota:
    """Somebody on the rota: the row, and who comes in their place where they are away (None: nobody does).

    ``has_left``: they are no longer at work in the office, so that nobody comes in their place either.
    """

    duty: Duty
    is_away: bool
    substitute: Posting | None
    has_left: bool = False

    @property
    def who(self) -> str | None:
        """Return who comes, by name; of a substitute also whom they stand in for. None: nobody does."""
        name = self.duty.posting.staff.name
        if not self.is_away:
            return name
        return None if self.substitute is None else f"{self.substitute.staff.name}（代{name}）"


@dataclass(frozen=True, slots=True)
class Watched:
    """One shift on one day; ``is_over``: it has ended, and can be changed no more."""

    shift: Shift
    day: date
    people: tuple[OnRota, ...]
    is_over: bool

    @property
    def is_unmanned(self) -> bool:
        """Tell whether nobody comes: none on the rota, or all of them away without a substitute (B-S1)."""
        return all(person.is_away and person.substitute is None for person in self.people)


# ---- shifts
def shifts(session: Session, office_id: int) -> Sequence[Shift]:
    """Return the office's shifts, the earliest of the day first."""
    statement = select(Shift).where(Shift.office_id == office_id).order_by(Shift.begins, Shift.ends, Shift.id)
    return session.scalars(statement).all()


def hours_of(shift: Shift) -> Hours:
    """Return the hours of a shift."""
    return Hours(shift.begins, shift.ends)


def take_usual(session: Session, office_id: int) -> list[Shift]:
    """Give an office that has no shifts the two of the handbook (B-S1). Raises Refusal where it has some."""
    known = shifts(session, office_id)
    if known:
        message = f"本管理处已有班次「{'」「'.join(shift.name for shift in known)}」。请在班次列表中修改或新增。"
        raise Refusal(code="shifts_exist", message=message, field="shift", value=known[0].name)
    made = [
        Shift(office_id=office_id, name=name, begins=hours.begins, ends=hours.ends, note=note)
        for name, hours, note in USUAL
    ]
    session.add_all(made)
    session.flush()
    return made


def check_shift(shift: Shift) -> None:
    """Raise Refusal for a shift without length."""
    if shift.begins == shift.ends:
        message = (
            f"「结束」与「开始」同为 {shift.begins:%H:%M}，班次没有时长。请改正其中一个；全天值守请分成两个班次，"
            "例如 08:00—20:00 和 20:00—08:00。"
        )
        raise Refusal(code="no_length", message=message, field="ends", value=f"{shift.ends:%H:%M}")


def check_unused(session: Session, shift: Shift) -> None:
    """Raise Refusal for a shift that somebody has or had: the rota is a record."""
    first = session.scalars(select(Duty).where(Duty.shift_id == shift.id).order_by(Duty.duty_on)).first()
    if first is not None:
        message = (
            f"班次「{shift.name}」从 {first.duty_on} 起已有排班，不能删除。可以改它的名称和时间；"
            "不再使用的，请不要再排人并先移除今后的排班。"
        )
        raise Refusal(code="shift_in_use", message=message, field="shift", value=shift.name)


def unmanned_hours(session: Session, office: Office) -> tuple[Hours, ...]:
    """Return the hours that neither the open desk nor a shift covers, none where the office has no shifts (B-S1)."""
    known = shifts(session, office.id)
    return uncovered(map(hours_of, known), office.desk_opens, office.desk_closes) if known else ()


# ---- the rota
def assign(session: Session, shift_id: int, day: date, posting_id: int) -> Duty:
    """Put somebody on the rota for the shift that begins on ``day``.

    Raises NotFound for what is not the office's, Refusal for a shift that is over, somebody who has it already, is not
    at work in the office that day, or is away.
    """
    shift = find(session, Shift, shift_id, field="shift", lock=True)
    _check_not_over(session, shift, day)
    posting = find(session, Posting, posting_id, field="posting")
    refused = _unfit(session, shift, day, posting)
    if refused is not None:
        raise refused
    duty = Duty(office_id=shift.office_id, shift_id=shift.id, duty_on=day, posting_id=posting.id)
    session.add(duty)
    session.flush()
    return duty


def take_off(session: Session, duty_id: int) -> Duty:
    """Take somebody off the rota. Raises NotFound for a foreign row, Refusal for a shift that is over."""
    duty = find(session, Duty, duty_id, field="duty", lock=True)
    _check_not_over(session, duty.shift, duty.duty_on)
    session.delete(duty)
    session.flush()
    return duty


def copy_week(session: Session, office_id: int, monday: date) -> tuple[int, int]:
    """Put on the rota of the week from ``monday`` on whoever was on it the week before.

    Returns how many were put on it, and how many were left out: who is away then or no longer at work in the office,
    and shifts that are over. Who is on it already stays and counts for neither. Raises Refusal when nobody was on it.
    """
    before = rows(session, office_id, monday - A_WEEK, monday - timedelta(days=1))
    if not before:
        message = f"上一周（{monday - A_WEEK} 起）没有排班，没有可以复制的。请先逐班排人。"
        raise Refusal(code="nothing_to_copy", message=message, field="week", value=str(monday - A_WEEK))
    known = {(duty.shift_id, duty.duty_on, duty.posting_id) for duty in rows(session, office_id, monday, _last(monday))}
    office, made, left_out = find(session, Office, office_id, field="office"), 0, 0
    for duty in before:
        day = duty.duty_on + A_WEEK
        if (duty.shift_id, day, duty.posting_id) in known:
            continue
        fits = not _is_over(duty.shift, day, office) and _unfit(session, duty.shift, day, duty.posting) is None
        if fits:
            session.add(Duty(office_id=office_id, shift_id=duty.shift_id, duty_on=day, posting_id=duty.posting_id))
        made, left_out = made + fits, left_out + (not fits)
    session.flush()
    return made, left_out


def rows(session: Session, office_id: int, first: date, last: date) -> Sequence[Duty]:
    """Return the office's rota from ``first`` to ``last``, with shifts and people loaded."""
    statement = (
        select(Duty)
        .where(Duty.office_id == office_id, Duty.duty_on >= first, Duty.duty_on <= last)
        .options(joinedload(Duty.shift), joinedload(Duty.posting).joinedload(Posting.staff))
    )
    return session.scalars(statement.order_by(Duty.duty_on, Duty.id)).all()


def grid(session: Session, office: Office, first: date, last: date) -> dict[tuple[int, date], Watched]:
    """Return every shift of every day from ``first`` to ``last``, by shift and day."""
    by_place: dict[tuple[int, date], list[Duty]] = {}
    for duty in rows(session, office.id, first, last):
        by_place.setdefault((duty.shift_id, duty.duty_on), []).append(duty)
    days, known = [first + timedelta(days=n) for n in range((last - first).days + 1)], shifts(session, office.id)
    gone = {day: absences.away(session, office.id, day) for day in days}
    found = {}
    for day in days:
        for shift in known:
            is_over = _is_over(shift, day, office)
            people = (_on_rota(session, duty, gone[day], is_over=is_over) for duty in by_place.get((shift.id, day), ()))
            found[shift.id, day] = Watched(shift, day, tuple(people), is_over)
    return found


def gaps(session: Session, office: Office, first: date, last: date) -> list[Watched]:
    """Return the shifts from ``first`` to ``last`` for which nobody comes and which are not over (B-S1)."""
    found = grid(session, office, first, last).values()
    return [watched for watched in found if watched.is_unmanned and not watched.is_over]


def eligible(session: Session, office_id: int, first: date, last: date) -> Sequence[Posting]:
    """Return who of the office is at work on some day from ``first`` to ``last``."""
    statement = (
        select(Posting)
        .where(Posting.office_id == office_id, Posting.from_on <= last)
        .where(or_(Posting.to_on.is_(None), Posting.to_on >= first))
        .options(joinedload(Posting.staff))
    )
    found = [posting for posting in session.scalars(statement) if posting.staff.disabled_at is None]
    return sorted(found, key=lambda posting: (posting.role.value, posting.staff.name, posting.id))


# ---- who can be told
def watch(session: Session, office_id: int, at: datetime, zone: str, *, can_wait: bool = True) -> Watch:
    """Return who of the office is away and who is on duty at ``at``, substitutes in place of who is away (B-S1)."""
    gone = absences.away(session, office_id, local_day(at, zone))
    running = {
        shift.id: day for shift in shifts(session, office_id) if (day := hours_of(shift).day_of(at, zone)) is not None
    }
    if not running:
        return Watch(gone, frozenset(), can_wait)
    of_now = [and_(Duty.shift_id == shift_id, Duty.duty_on == day) for shift_id, day in running.items()]
    here = session.scalars(select(Duty.posting_id).where(Duty.office_id == office_id, or_(*of_now)).order_by(Duty.id))
    return Watch(gone, frozenset(present(here, gone)), can_wait)


def _on_rota(session: Session, duty: Duty, gone: Mapping[int, int | None], *, is_over: bool) -> OnRota:
    holder = stands_in(duty.posting_id, gone)
    comes = None if holder is None else session.get_one(Posting, holder)
    is_there = comes is not None and _is_at_work(comes, duty.duty_on, is_over=is_over)
    if holder == duty.posting_id:
        return OnRota(duty, is_away=not is_there, substitute=None, has_left=not is_there)
    return OnRota(duty, is_away=True, substitute=comes if is_there else None)


def _is_at_work(posting: Posting, day: date, *, is_over: bool) -> bool:
    """Tell whether the posting is held on ``day``, and by somebody who has not been shut out; of a day past: was held.

    When somebody was shut out says nothing of the days before.
    """
    is_held = posting.from_on <= day and (posting.to_on is None or day <= posting.to_on)
    return is_held and (is_over or posting.staff.disabled_at is None)


def _unfit(session: Session, shift: Shift, day: date, posting: Posting) -> Refusal | None:
    """Return why somebody cannot be put on the rota, None when nothing is in the way."""
    name = posting.staff.name
    if posting.office_id != shift.office_id:
        return _refused("not_of_the_office", f"{name}不在本管理处任职。请从本管理处的人员中选择", name)
    if posting.from_on > day or (posting.to_on is not None and posting.to_on < day):
        until = "至今" if posting.to_on is None else f"至 {posting.to_on}"
        return _refused("not_posted", f"{name}的任职为 {posting.from_on} {until}，{day} 不在岗。请改选其他人", name)
    if posting.staff.disabled_at is not None:
        return _refused("disabled", f"{name}的账号已停用，不能排班。请改选其他人", name)
    if stands_in(posting.id, gone := absences.away(session, shift.office_id, day)) != posting.id:
        other = stands_in(posting.id, gone)
        instead = "" if other is None else f"，代理人是{session.get_one(Posting, other).staff.name}"
        return _refused("absent", f"{name}在 {day} 请假{instead}。请改选其他人，或先销假", name)
    taken = select(Duty.id).where(Duty.shift_id == shift.id, Duty.duty_on == day, Duty.posting_id == posting.id)
    if session.scalars(taken).first() is not None:
        return _refused("on_rota_already", f"{name}已经排在 {day} 的「{shift.name}」。请刷新查看最新排班", name)
    return None


def _check_not_over(session: Session, shift: Shift, day: date) -> None:
    if _is_over(shift, day, find(session, Office, shift.office_id, field="office")):
        words = (
            f"{day} 的「{shift.name}」（{shift.begins:%H:%M}—{shift.ends:%H:%M}）已经结束，不能再改。请选择今后的班次"
        )
        raise _refused("shift_over", words, day.isoformat())


def _is_over(shift: Shift, day: date, office: Office) -> bool:
    return hours_of(shift).on(day, office.zone)[1] <= clock.now()


def _last(monday: date) -> date:
    return monday + A_WEEK - timedelta(days=1)


def _refused(code: str, words: str, value: str) -> Refusal:
    return Refusal(code=code, message=f"{words}。", field="posting", value=value)
