"""The broker as it is set up: what its defaults would do to us, they do not."""

import threading

from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Retries, TimeLimit
from dramatiq.middleware.prometheus import Prometheus

from tasks.broker import ALWAYS_MAINTAIN, HEARTBEAT_MILLISECONDS, make_broker
from tasks.relay import Relaying
from tenant.settings import Settings


def kinds(broker):
    return {type(part) for part in broker.middleware}


def test_no_broker_listens_for_prometheus_and_none_tries_a_message_twice(tmp_path):
    for url in (None, "redis://127.0.0.1:1/0", "amqp://127.0.0.1:1"):
        broker = make_broker(Settings(home=tmp_path, broker_url=url))
        assert Prometheus not in kinds(broker)
        assert TimeLimit in kinds(broker)
        (retries,) = (part for part in broker.middleware if isinstance(part, Retries))
        assert retries.max_retries == 0


def test_redis_gives_a_killed_workers_messages_back_in_seconds(tmp_path):
    broker = make_broker(Settings(home=tmp_path, broker_url="redis://127.0.0.1:1/0"))
    assert isinstance(broker, RedisBroker)
    assert (broker.heartbeat_timeout, broker.maintenance_chance) == (HEARTBEAT_MILLISECONDS, ALWAYS_MAINTAIN)
    assert HEARTBEAT_MILLISECONDS <= 15_000


def test_dead_letters_of_the_broker_inside_are_forgotten(tmp_path):
    broker = make_broker(Settings(home=tmp_path))
    assert isinstance(broker, StubBroker)
    broker.declare_queue("sweeps")
    broker.dead_letters_by_queue["sweeps"].append(threading.Event())
    Relaying(None, broker, frozenset())._forget_dead_letters()
    assert broker.dead_letters == []
