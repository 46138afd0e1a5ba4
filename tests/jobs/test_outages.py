"""A loop that fails each second says so once."""

from tasks.outages import Outage


def fail(outage, error):
    try:
        raise error
    except type(error) as raised:
        outage.goes_on(raised)


def test_an_outage_is_said_when_it_begins_and_when_it_is_over(caplog):
    outage = Outage("nothing works")
    outage.is_over()
    for _ in range(50):
        fail(outage, OSError("away"))
    outage.is_over()
    outage.is_over()
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert caplog.records[0].exc_info


def test_another_kind_of_error_is_another_outage(caplog):
    outage = Outage("nothing works")
    for error in (OSError("away"), OSError("still away"), ValueError("wrong"), OSError("away")):
        fail(outage, error)
    assert len(caplog.records) == 3
