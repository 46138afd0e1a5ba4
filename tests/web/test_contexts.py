"""What a request leaves on its thread is not there for the next one."""

from contextvars import ContextVar

from admin.session import in_fresh_context

PERSON: ContextVar[str] = ContextVar("person", default="nobody")


def test_a_context_that_was_never_left_serves_nobody_else():
    seen = []

    def application(environ, start_response):
        seen.append(PERSON.get())
        PERSON.set("林文静")
        return []

    served = in_fresh_context(application)
    served({}, None)
    served({}, None)
    assert seen == ["nobody", "nobody"]
    assert PERSON.get() == "nobody"


def test_every_request_of_the_application_begins_in_a_context_of_its_own(app):
    seen = []

    @app.before_request
    def look():
        seen.append(PERSON.get())
        PERSON.set("林文静")

    client = app.test_client()
    client.get("/sign-in")
    client.get("/sign-in")
    assert seen == ["nobody", "nobody"]
