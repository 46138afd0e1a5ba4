"""What goes wrong in a loop each second is said when it begins and when it is over, not each second."""

import logging

log = logging.getLogger(__name__)


class Outage:
    """One loop's trouble: an error of another kind is another trouble."""

    def __init__(self, what: str) -> None:
        """``what`` says in the log what does not work."""
        self.what = what
        self.kind: type[BaseException] | None = None

    def goes_on(self, error: Exception) -> None:
        """Say an error with where it was, unless the last round had the same kind; call it in its ``except``."""
        if type(error) is not self.kind:
            log.error("%s; said again when it works", self.what, exc_info=error)
        self.kind = type(error)

    def is_over(self) -> None:
        """Say that it works again, where it did not."""
        if self.kind is not None:
            log.warning("%s no more", self.what)
        self.kind = None
