"""Commits half-way."""


def register(session, complaint):
    session.add(complaint)
    session.commit()  # LEAK
    session.flush()
