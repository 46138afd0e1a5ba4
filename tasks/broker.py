"""The broker: what carries "look now" to a worker. It may lose, delay or double a message; nothing depends on it."""

from urllib.parse import urlsplit

from dramatiq import Broker, Middleware
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Retries, TimeLimit

from tenant.settings import Settings

NAMESPACE = "wuguan"
HEARTBEAT_MILLISECONDS = 10_000
"""With the default, a minute, a killed worker's messages came back after 478 to 1,165 s; with this after 11 to 15 s."""
ALWAYS_MAINTAIN = 100_000
"""Out of 100,000: look for dead workers on every call, not on one in a hundred."""
DEAD_LETTER_MILLISECONDS = 3_600_000
CONNECT_SECONDS = 5


def make_broker(settings: Settings) -> Broker:
    """Return the broker the settings ask for; without an address one inside this process. Nothing is connected yet.

    No message is tried twice by the broker: what matters is counted and tried again in the database. Prometheus'
    middleware is left out, it would listen on every address of the machine.
    """
    middleware: list[Middleware] = [TimeLimit(), Retries(max_retries=0)]
    if settings.broker_url is None:
        return StubBroker(middleware=middleware)
    if urlsplit(settings.broker_url).scheme in {"redis", "rediss"}:
        return RedisBroker(  # type: ignore[no-untyped-call]
            url=settings.broker_url,
            middleware=middleware,
            namespace=NAMESPACE,
            heartbeat_timeout=HEARTBEAT_MILLISECONDS,
            maintenance_chance=ALWAYS_MAINTAIN,
            dead_message_ttl=DEAD_LETTER_MILLISECONDS,
        )
    # confirmed, or a queue that an operator deleted would swallow what is sent to it
    return RabbitmqBroker(url=_bounded(settings.broker_url), confirm_delivery=True, middleware=middleware)


def _bounded(url: str) -> str:
    """Return an AMQP address that does not wait for ever on a server that does not answer."""
    options = f"connection_attempts=1&socket_timeout={CONNECT_SECONDS}&blocked_connection_timeout={CONNECT_SECONDS}"
    return f"{url}{'&' if urlsplit(url).query else '?'}{options}"
