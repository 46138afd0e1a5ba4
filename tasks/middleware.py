"""What each message passes through on its way to an actor: its number, its office, and nothing gets out as an error."""

import logging
import threading
from contextlib import ExitStack

from dramatiq import Broker, MessageProxy, Middleware
from dramatiq.middleware import SkipMessage

from tasks.errands import OfficeGone, errand
from tenant.db import Database

log = logging.getLogger(__name__)

REQUEST_ID = "request_id"
"""The option of a message that carries the number of what asked for it."""


class Errands(Middleware):
    """Run each message as an errand of its own; one that names an office which is gone is dropped."""

    def __init__(self, database: Database) -> None:
        """Keep the database that offices are looked up in."""
        self.database = database
        self.here = threading.local()

    def before_process_message(self, _broker: Broker, message: MessageProxy) -> None:
        """Begin the errand. What fails here drops the message: the database knows what is left to do."""
        stack = ExitStack()
        try:
            stack.enter_context(errand(self.database, message.kwargs.get("office_id"), message.options.get(REQUEST_ID)))
        except OfficeGone as gone:
            log.warning("%s is dropped: office %s is not worked for", message.actor_name, gone)
            raise SkipMessage from gone
        except Exception as error:
            log.exception("%s is dropped: its office could not be looked up", message.actor_name)
            raise SkipMessage from error
        self.here.stack = stack

    def after_process_message(
        self,
        _broker: Broker,
        _message: MessageProxy,
        *,
        result: object = None,  # noqa: ARG002 - Dramatiq's own
        exception: BaseException | None = None,  # noqa: ARG002 - Dramatiq's own
    ) -> None:
        """End the errand, whatever became of it."""
        stack = self.here.__dict__.pop("stack", None)
        if stack is not None:
            stack.close()

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """End the errand of a message that another part dropped."""
        self.after_process_message(broker, message)
