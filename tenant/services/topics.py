"""What matters are about, in the office's own tree: kept, offered at registration, retired instead of deleted."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import ServiceRequest, Ticket, Topic
from tenant.rules.terms import RequestCategory, TicketKind
from tenant.services.lookups import find

DEEPEST: Final = 3
"""Levels of the tree: 给排水, 水管渗漏, 阀门."""


def offered(
    session: Session, office_id: int, topic_id: int, kind: TicketKind, category: RequestCategory | None = None
) -> Topic:
    """Return a topic that a matter may be registered under; ``category`` None: any of a request.

    Raises NotFound for one the office has not, Refusal for one that is retired or stands for another kind of matter.
    """
    topic = session.scalars(select(Topic).where(Topic.office_id == office_id, Topic.id == topic_id)).one_or_none()
    if topic is None:
        raise NotFound(
            code="unknown_topic",
            message="没有找到这个事项分类。请从本管理处的分类中重新选择。",
            field="topic",
            value=str(topic_id),
        )
    if topic.retired_at is not None:
        raise _refused(topic, "retired", "已停用，不能再选。请另选一个在用的分类")
    if (topic.category is None) is not (kind is TicketKind.COMPLAINT):
        meant = "投诉" if topic.category is None else "报事"
        raise _refused(topic, "other_kind", f"是{meant}的分类，不能用于{kind.label}。请另选一个分类")
    if category is not None and topic.category is not category and topic.category is not None:
        words = f"属于「{topic.category.label}」，与所选类别「{category.label}」不一致。请改选类别或分类"
        raise _refused(topic, "other_category", words)
    return topic


def check(session: Session, topic: Topic) -> None:
    """Raise Refusal for a topic that does not fit into the tree: too deep, below itself, below one that is retired, or
    of another category than the one above, than one below, or than what was registered under it.
    """
    above = list(_above(topic))
    if topic in above:
        raise _refused(topic, "loop", "不能放在自己或自己的下级之下。请另选上级分类", field="parent")
    if len(above) + _height(session, topic) > DEEPEST:
        raise _refused(topic, "too_deep", f"放在这里会超过 {DEEPEST} 级。请另选上级分类", field="parent")
    if above and above[0].retired_at is not None and topic.retired_at is None:
        raise _below_retired(topic, above[0])
    if above and above[0].category is not topic.category:
        meant = above[0].category.label if above[0].category else "投诉"
        raise _refused(
            topic, "other_category", f"与上级「{above[0]}」（{meant}）的类别不一致。请改为相同的类别", field="category"
        )
    if inspect(topic).has_identity:
        _keeps_what_it_has(session, topic)


def retire(session: Session, topic_id: int) -> Topic:
    """Offer a topic, and what stands below it, no longer; what was registered under it keeps it.

    Raises NotFound for a foreign one, Refusal for one that is retired.
    """
    topic = find(session, Topic, topic_id, field="topic", lock=True)
    if topic.retired_at is not None:
        raise _refused(topic, "retired", "已经停用。请刷新后查看")
    for row in (topic, *_below(session, topic)):
        row.retired_at = row.retired_at or clock.now()
    session.flush()
    return topic


def restore(session: Session, topic_id: int) -> Topic:
    """Offer a retired topic again; what stands below it stays retired until it is restored by itself.

    Raises NotFound for a foreign one, Refusal for one that is in use or stands below one that is retired.
    """
    topic = find(session, Topic, topic_id, field="topic", lock=True)
    if topic.retired_at is None:
        raise _refused(topic, "in_use", "正在使用，无需恢复。请刷新后查看")
    if topic.parent is not None and topic.parent.retired_at is not None:
        raise _below_retired(topic, topic.parent)
    topic.retired_at = None
    session.flush()
    return topic


def path_of(topic: Topic) -> str:
    """Return the topic with what it stands below: 给排水 / 水管渗漏."""
    return " / ".join([*(row.name for row in reversed(list(_above(topic)))), topic.name])


def _above(topic: Topic) -> Iterator[Topic]:
    """Yield the topics above, the nearest first; stops where the tree bites its tail."""
    seen: list[Topic] = []
    above = topic.parent
    while above is not None and above not in seen:
        seen.append(above)
        yield above
        above = above.parent


def _below(session: Session, topic: Topic) -> Iterator[Topic]:
    for row in session.scalars(select(Topic).where(Topic.parent_id == topic.id).order_by(Topic.id)).all():
        yield row
        yield from _below(session, row)


def _height(session: Session, topic: Topic) -> int:
    """Return how many levels the topic and what stands below it take up."""
    if not inspect(topic).has_identity:
        return 1
    below = session.scalars(select(Topic).where(Topic.parent_id == topic.id)).all()
    return 1 + max((_height(session, row) for row in below), default=0)


def _keeps_what_it_has(session: Session, topic: Topic) -> None:
    """Raise Refusal for a category that does not fit what stands below the topic, or was registered under it."""
    way = "请另建一个分类，并停用这一个"
    for row in session.scalars(select(Topic).where(Topic.parent_id == topic.id).order_by(Topic.id)):
        if row.category is not topic.category:
            raise _refused(topic, "other_category", f"有下级「{row.name}」，类别不能单独改。{way}", field="category")
    category = ServiceRequest.category
    fits = category.is_(None) if topic.category is None else category.is_not_distinct_from(topic.category)
    other = (
        select(Ticket.number)
        .outerjoin(ServiceRequest, ServiceRequest.ticket_id == Ticket.id)
        .where(Ticket.topic_id == topic.id, ~fits)
    )
    number = session.scalars(other.order_by(Ticket.id).limit(1)).first()
    if number is not None:
        raise _refused(topic, "in_use", f"已用于 {number} 等事项，类别不能再改。{way}", field="category")


def _below_retired(topic: Topic, above: Topic) -> Refusal:
    words = f"的上级「{above.name}」已停用。请另选上级，或先恢复上级"
    return _refused(topic, "parent_retired", words, field="parent")


def _refused(topic: Topic, code: str, words: str, *, field: str = "topic") -> Refusal:
    return Refusal(code=code, message=f"事项分类「{topic.name}」{words}。", field=field, value=topic.name)
