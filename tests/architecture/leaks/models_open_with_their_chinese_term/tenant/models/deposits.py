"""A model with its term, and three without."""

from tenant.models.base import OfficeScoped


class Deposit(OfficeScoped):
    """押金 — money held against a renovation."""

    __tablename__ = "deposit"


class Deduction(OfficeScoped):  # LEAK
    """What is taken from a deposit."""

    __tablename__ = "deduction"


class Refund(OfficeScoped):  # LEAK
    __tablename__ = "refund"


class Receipt(OfficeScoped):  # LEAK
    """Receipt 收据 — in the wrong order."""

    __tablename__ = "receipt"


class Balance:
    """Not a table."""
