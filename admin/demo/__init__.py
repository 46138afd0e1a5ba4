"""The invented group of ``wuguan demo``: the same from the same seed, placed relative to today.

Nobody in it exists: telephone numbers begin with 100, which no network gives out, addresses end in ``.invalid``, and no
one has an identity number.
"""
