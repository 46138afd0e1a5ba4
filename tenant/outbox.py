"""What leaves only after a commit: a wake-up for a worker, written as a row with the change it belongs to.

The relay puts it on the broker afterwards. It may arrive late or twice, so it only says "look now" and carries ids.
"""

from sqlalchemy.orm import Session

from tenant.journal import actor_of
from tenant.models.clockwork import OutboxMessage
from tenant.scoping import scope_of


def wake(session: Session, actor_name: str, *, office_id: int | None = None, **arguments: object) -> None:
    """Wake the actor ``actor_name`` with ``arguments`` once the transaction of ``session`` is committed.

    ``arguments`` are plain JSON values, ids for the most part. ``office_id`` is handed to the actor with them; None is
    allowed only to headquarters. Raises WallBreach for an office outside the session's scope.
    """
    scope_of(session).require(office_id)
    if office_id is not None:
        arguments["office_id"] = office_id
    request_id = actor_of(session).request_id
    session.add(OutboxMessage(office_id=office_id, actor=actor_name, arguments=arguments, request_id=request_id))
