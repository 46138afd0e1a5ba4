"""The broker: what carries "look now" to a worker. It may lose, delay or double a message; nothing depends on it."""

from urllib.parse import urlsplit

import pika
import redis
from dramatiq import Broker, Middleware
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Retries, TimeLimit
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, AuthenticationError, ProbableAccessDeniedError, ProbableAuthenticationError
from redis.backoff import NoBackoff
from redis.retry import Retry

from tenant.settings import Settings

NAMESPACE = "wuguan"
HEARTBEAT_MILLISECONDS = 10_000
"""With the default, a minute, a killed worker's messages came back after 478 to 1,165 s; with this after 11 to 15 s."""
ALWAYS_MAINTAIN = 100_000
"""Out of 100,000: look for dead workers on every call, not on one in a hundred."""
DEAD_LETTER_MILLISECONDS = 3_600_000
CONNECT_SECONDS = 5
HEARTBEAT_SECONDS = 20
"""RabbitMQ's: how long a connection without a sign of life is believed in, twice over."""
DENIED = (
    redis.exceptions.AuthenticationError,
    redis.exceptions.NoPermissionError,
    AuthenticationError,
    ProbableAuthenticationError,
    ProbableAccessDeniedError,
)


def make_broker(settings: Settings) -> Broker:
    """Return the broker the settings ask for; without an address one inside this process. Nothing is connected yet.

    No message is tried twice by the broker: what matters is counted and tried again in the database. Prometheus'
    middleware is left out, it would listen on every address of the machine. No call waits for ever on a server that
    does not answer.
    """
    middleware: list[Middleware] = [TimeLimit(), Retries(max_retries=0)]
    if settings.broker_url is None:
        return StubBroker(middleware=middleware)
    if _is_redis(settings.broker_url):
        return RedisBroker(  # type: ignore[no-untyped-call]
            client=_redis_client(settings.broker_url),
            middleware=middleware,
            namespace=NAMESPACE,
            heartbeat_timeout=HEARTBEAT_MILLISECONDS,
            maintenance_chance=ALWAYS_MAINTAIN,
            dead_message_ttl=DEAD_LETTER_MILLISECONDS,
        )
    # confirmed, or a queue that an operator deleted would swallow what is sent to it
    return RabbitmqBroker(url=_bounded(settings.broker_url), confirm_delivery=True, middleware=middleware)


def fault(settings: Settings) -> str | None:
    """Connect once and return, in a sentence, what is wrong with the broker; None when it answers, or there is none."""
    url = settings.broker_url
    if url is None:
        return None
    try:
        if _is_redis(url):
            client = _redis_client(url)
            try:
                client.ping()
            finally:
                client.close()
        else:
            pika.BlockingConnection(pika.URLParameters(_bounded(url))).close()
    except (redis.RedisError, AMQPError, AMQPConnectorException, OSError, ValueError) as error:
        return explain(url, error)
    return None


def explain(url: str, error: BaseException) -> str:
    """Return in a sentence what is wrong with the broker at ``url`` and what to do; never its password."""
    where = place(url)
    chain = _causes(error)
    if any(isinstance(cause, DENIED) or "NOAUTH" in str(cause) for cause in chain):
        return (
            f"消息服务 {where} 拒绝登录。请核对 BROKER_URL 中的用户名、密码和虚拟主机；"
            "改好之前，后台任务由各后台进程直接从数据库领取，不会丢失。"
        )
    kind = type(chain[-1]).__name__
    return (
        f"消息服务 {where} 没有应答或不能使用（{kind}）。请检查 BROKER_URL 和该服务是否启动；"
        "恢复之前，后台任务由各后台进程直接从数据库领取，不会丢失。"
    )


def place(url: str) -> str:
    """Return host and port of a broker's address, without who signs in."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return f"{parts.hostname or '?'}:{port or (6379 if _is_redis(url) else 5672)}"


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and what it was raised from; Dramatiq keeps it as an argument."""
    found = [error]
    while len(found) < 10:  # noqa: PLR2004 - deeper than any chain of theirs
        last = found[-1]
        inner = next((part for part in last.args if isinstance(part, BaseException)), None) or last.__cause__
        if inner is None or inner in found:
            break
        found.append(inner)
    return found


def _is_redis(url: str) -> bool:
    return urlsplit(url).scheme in {"redis", "rediss"}


def _redis_client(url: str) -> redis.Redis:
    """Return a client that gives up on a silent server, and connects again once where a connection was cut."""
    pool = redis.ConnectionPool.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=CONNECT_SECONDS,
        retry=Retry(NoBackoff(), 1),
        retry_on_error=[redis.exceptions.ConnectionError],
    )
    return redis.Redis(connection_pool=pool)


def _bounded(url: str) -> str:
    """Return an AMQP address that does not wait for ever on a server that does not answer."""
    options = (
        f"connection_attempts=1&socket_timeout={CONNECT_SECONDS}&stack_timeout={CONNECT_SECONDS}"
        f"&blocked_connection_timeout={CONNECT_SECONDS}&heartbeat={HEARTBEAT_SECONDS}"
    )
    return f"{url}{'&' if urlsplit(url).query else '?'}{options}"
