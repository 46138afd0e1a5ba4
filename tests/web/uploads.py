"""Sending a file as the page of imports does, and looking at what became of it."""

from io import BytesIO

from tenant.journal import CLOCKWORK
from tenant.models import ImportBatch
from tenant.scoping import Scope
from workbooks import builders


def upload(browser, *rows, name="名册.xlsx", kind="roster"):
    """Send a workbook of one sheet with these rows; return the address of its batch."""
    content = builders.workbook(*rows, title="名册")
    form = {"kind": kind, "url": "/imports", "file": (BytesIO(content), name)}
    answer = browser.post("/imports", form)
    assert answer.status_code == 302
    return answer.headers["Location"].removesuffix("/mapping")


def text_of(answer, status=200):
    """Return what a page says."""
    assert answer.status_code == status, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


def batch_of(database, place):
    """Return the batch whose page stands at a place."""
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        return session.get_one(ImportBatch, int(place.rsplit("/", 1)[1]))
