"""Two actors: one does the work itself, one carries what it should look up."""

from tasks.works import Works, escalate, overdue, remind, tell


def sweep_everything(works: Works, office_id: int | None = None) -> None:  # LEAK: the work itself
    """Raise what is overdue."""
    with works.database.session(office_id) as session:
        for ticket in overdue(session):
            escalation = escalate(session, ticket)
            if escalation is None:
                continue
            for person in escalation.people:
                if person.address is None:
                    continue
                tell(session, person)
            if escalation.is_last and ticket.is_open:
                tell(session, ticket.owner)
                remind(session, ticket)
        session.commit()
        session.close()


def send_one(
    works: Works,
    office_id: int,
    address: str,  # LEAK: an address of when the message was sent
) -> None:
    """Send a mail."""
    tell(works, office_id, address)


def as_long_as_it_likes(works: Works, phase: str) -> None:
    """Not an actor: nobody declares it."""
    tell(works, phase)


DUTIES = {"sweep_everything": Duty(sweep_everything, "sweeps"), "send_one": Duty(send_one, "mail")}  # noqa: F821
