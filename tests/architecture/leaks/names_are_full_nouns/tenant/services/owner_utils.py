"""A module named for nothing. LEAK"""


class OwnerManager:  # LEAK
    """A class named for nothing."""


class YezhuList:  # LEAK
    """A class in pinyin."""


class GeneralLedger:
    """A class with a name."""
