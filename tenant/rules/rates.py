"""The rates an office is measured by: each with what is counted, out of what (A-W14, A-W10, B-W17, B-W18, B-C11).

A period is half open, from ``begin`` up to but not at ``end``; ``at`` is when the report is made: what happened later
is not known to it. What is due at ``end`` itself, as 24:00 of its last day is, was due in it. Matters that were none
(invalid) or doubles (merged) count nowhere. The same figures come from SQL in ``tenant.services.rates``; both are held
to one table of cases. ``docs/rates.md`` writes them out for people.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tenant.rules.terms import Grouping, PauseReason, Rate, Satisfaction


@dataclass(frozen=True, slots=True)
class Course:
    """What became of one matter; None for what has not happened.

    ``taken_at``: somebody was sent, the department signed for it, or it was answered at the desk. ``due_at``: the time
    agreed with the customer, else 24:00 of the day it was received (A-W6). ``done_at`` is that of its latest cycle,
    None again as soon as somebody dissatisfied has it taken up anew; ``followed_up_at`` and ``satisfaction`` are those
    of the latest follow-up, whichever cycle that was of; ``dissatisfied_at`` is when somebody was dissatisfied first.
    ``asking_due_at`` and ``asked_at`` are the limit of the latest follow-up's clock and when it was met (B-C11,
    B-W11). ``asks``: a question or a suggestion, which wants a reply (B-W17, B-W18). ``group`` is what it is told
    apart by.
    """

    received_at: datetime
    due_at: datetime
    taken_at: datetime | None = None
    done_at: datetime | None = None
    followed_up_at: datetime | None = None
    satisfaction: Satisfaction | None = None
    dissatisfied_at: datetime | None = None
    asking_due_at: datetime | None = None
    asked_at: datetime | None = None
    asks: bool = False
    group: Hashable = None
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many; a share of nothing is no number."""

    part: int
    whole: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """One pause: why, since when, until when at the longest, when it ended; None while it lasts."""

    reason: PauseReason
    began_at: datetime
    until_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waited:
    """How often work waited in a period, for how many whole minutes of it, and how often past the limit set for it."""

    count: int
    minutes: int
    past_limit: int


RULES: Final[dict[Rate, tuple[str, str, str]]] = {
    Rate.ACCEPTED: ("分母中已派单、部门已签收或已在前台办结的", "本期收到的事项", "A-W14"),
    Rate.HANDLED: ("分母中到统计时已办完的，无论是否超时", "本期收到且应在本期办完的事项", "A-W14"),
    Rate.ON_TIME: ("分母中在约定时间（未约定的，受理当日 24:00）之前办完的", "本期收到且应在本期办完的事项", "A-W14"),
    Rate.FOLLOWED_UP: ("分母中办完后已回访的", "本期办完的事项", "A-W14"),
    Rate.FOLLOWED_UP_ON_TIME: ("分母中在回访时限之前已回访的", "本期办完且回访时限在本期到期的事项", "B-C11"),
    Rate.REPLIED: ("分母中到统计时已答复办结的", "本期收到的咨询和建议", "B-W17"),
    Rate.SATISFIED: ("分母中最近一次回访为满意或基本满意的", "本期收到且到统计时已回访过的事项", "A-W10"),
    Rate.REOPENED: ("分母中因客户不满意重新办理过的", "本期收到且办完过的事项", "A-W10"),
}
"""Of each rate: what is counted, out of what, and the rule it stands for; the words of the screen's help."""

TARGETS: Final[dict[Rate, int]] = {
    Rate.ACCEPTED: 100,
    Rate.HANDLED: 98,
    Rate.ON_TIME: 100,
    Rate.FOLLOWED_UP: 100,
    Rate.FOLLOWED_UP_ON_TIME: 100,
    Rate.REPLIED: 100,
}
"""In per cent, where the manuals set one (A-W14, B-C10, B-C11, B-W17, B-W18)."""

GROUPED_BY: Final[dict[Grouping, str]] = {
    Grouping.CATEGORY: "报事按类别，投诉按等级",
    Grouping.DEPARTMENT: "报事为最近一张未撤销处理单的部门，投诉为被投诉部门",
    Grouping.TOPIC: "登记或归类时选的事项分类",
    Grouping.BUILDING: "房屋所在楼栋；公共区域和没有楼栋的归入「未注明」",
    Grouping.PERSON: "最近一张未撤销处理单的维修人员；没有处理单的，为登记人",
}
"""What each grouping goes by; the words of the screen's help."""


def shares(courses: Iterable[Course], begin: datetime, end: datetime, at: datetime) -> dict[Rate, Share]:
    """Return every rate of the matters, for the period and as known at ``at``."""
    table = [course for course in courses if course.counts]
    received = [course for course in table if begin <= course.received_at < end]
    due = [course for course in received if course.due_at <= end]
    done = [course for course in table if _by(course.done_at, at) and begin <= _sure(course.done_at) < end]
    asked = [course for course in done if _is_followed_up(course, at)]
    to_ask = [course for course in done if _by(course.asking_due_at, end)]
    asking = [course for course in received if course.asks]
    heard = [course for course in received if _by(course.followed_up_at, at)]
    content = [course for course in heard if course.satisfaction is not Satisfaction.DISSATISFIED]
    finished = [course for course in received if _by(course.dissatisfied_at, at) or _by(course.done_at, at)]
    in_time = [course for course in to_ask if _by(course.asked_at, min(at, _sure(course.asking_due_at)))]
    return {
        Rate.ACCEPTED: Share(sum(_by(course.taken_at, at) for course in received), len(received)),
        Rate.HANDLED: Share(sum(_by(course.done_at, at) for course in due), len(due)),
        Rate.ON_TIME: Share(sum(_by(course.done_at, min(at, course.due_at)) for course in due), len(due)),
        Rate.FOLLOWED_UP: Share(len(asked), len(done)),
        Rate.FOLLOWED_UP_ON_TIME: Share(len(in_time), len(to_ask)),
        Rate.REPLIED: Share(sum(_by(course.done_at, at) for course in asking), len(asking)),
        Rate.SATISFIED: Share(len(content), len(heard)),
        Rate.REOPENED: Share(sum(_by(course.dissatisfied_at, at) for course in finished), len(finished)),
    }


def shares_by_group(
    courses: Iterable[Course], begin: datetime, end: datetime, at: datetime
) -> dict[Hashable, dict[Rate, Share]]:
    """Return every rate of each group of matters."""
    groups: dict[Hashable, list[Course]] = {}
    for course in courses:
        groups.setdefault(course.group, []).append(course)
    return {group: shares(those, begin, end, at) for group, those in groups.items()}


def waited(pauses: Iterable[Waiting], begin: datetime, end: datetime, at: datetime) -> dict[PauseReason, Waited]:
    """Return how work waited in the period as known at ``at``, by reason; a reason nobody waited for is left out.

    Of a pause that reaches over an edge of the period the time inside counts. It is past its limit when it lasted
    longer than was set, whether it has ended or not (B-W19).
    """
    stop = min(end, at)
    inside: dict[PauseReason, list[tuple[timedelta, bool]]] = {}
    for pause in pauses:
        if begin < stop and pause.began_at < stop and (pause.ended_at is None or pause.ended_at > begin):
            ended_at = min(pause.ended_at or stop, stop)
            lasted = ended_at - max(pause.began_at, begin)
            inside.setdefault(pause.reason, []).append((lasted, ended_at > pause.until_at))
    return {
        reason: Waited(
            len(found),
            sum((lasted for lasted, _ in found), timedelta()) // timedelta(minutes=1),
            sum(p for _, p in found),
        )
        for reason, found in inside.items()
    }


def _by(happened_at: datetime | None, at: datetime) -> bool:
    return happened_at is not None and happened_at <= at


def _is_followed_up(course: Course, at: datetime) -> bool:
    """Tell whether somebody asked after the work of the latest cycle was done."""
    return _by(course.followed_up_at, at) and _sure(course.followed_up_at) >= _sure(course.done_at)


def _sure(instant: datetime | None) -> datetime:
    if instant is None:
        message = "asked only of what has happened"
        raise ValueError(message)
    return instant
