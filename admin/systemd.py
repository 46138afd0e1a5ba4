"""What a service manager is told: ready, stopping, still alive. Three lines of a protocol over a socket.

Where nobody started us that way (``NOTIFY_SOCKET`` is not set) nothing is said.
"""

import logging
import os
import socket

log = logging.getLogger(__name__)

READY, STOPPING, WATCHDOG = "READY=1", "STOPPING=1", "WATCHDOG=1"
MICROSECOND = 1e-6
OF_MANAGER = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""What is meant for the process that was started, and not for those it starts itself."""


def notify(state: str) -> None:
    """Tell the service manager ``state``; that it cannot be told is logged, and ends nothing."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    place = f"\0{address[1:]}" if address.startswith("@") else address  # a name in the kernel, not a file
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to_manager:
            to_manager.sendto(state.encode(), place)
    except OSError as error:
        log.warning("the service manager could not be told %s: %s", state, error.strerror)


def watchdog_seconds() -> float | None:
    """Return how often the service manager wants to hear that we live, None where it does not ask.

    It is told twice as often as it asks for.
    """
    text, meant_for = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not (text.isascii() and text.isdigit()) or (meant_for and meant_for != str(os.getpid())):
        return None
    return max(int(text) * MICROSECOND / 2, 0.1)
