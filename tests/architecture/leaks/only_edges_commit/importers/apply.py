"""Commits each row: the half-done import."""


def apply(session, rows):
    for row in rows:
        session.add(row)
        session.get_bind().commit()  # LEAK
