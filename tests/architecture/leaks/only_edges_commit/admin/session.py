"""The edge of a request."""


def leave(session):
    session.commit()
