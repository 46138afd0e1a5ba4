"""Two pictures on the invented matters, drawn here: nobody is on them, and nothing was photographed."""

from io import BytesIO

from PIL import Image, ImageDraw
from sqlalchemy import select

from tenant import clock
from tenant.files import Store, prepared
from tenant.models import Pause, ServiceRequest, WorkOrder
from tenant.rules.attachments import MEGABYTE
from tenant.rules.terms import AttachmentPurpose, PauseReason
from tenant.scoping import ScopedSession
from tenant.services import attachments

SIZE = (1280, 960)
WALL, FRAME, GLASS, RAIL, WORN, NEW = "#d9d4c7", "#6b7078", "#b9d3dd", "#9aa1a9", "#7a4a2b", "#c9ced4"


def build(session: ScopedSession, store: Store) -> None:
    """Hang a picture of before and one of the part on the order that waits for it (A-W9)."""
    waiting = (
        select(WorkOrder.id, ServiceRequest.ticket_id, Pause.began_at)
        .join(ServiceRequest, ServiceRequest.id == WorkOrder.request_id)
        .join(Pause, Pause.work_order_id == WorkOrder.id)
        .where(Pause.reason == PauseReason.MATERIAL)
    )
    found = session.execute(waiting.order_by(Pause.id).limit(1)).first()
    if found is None:
        return
    order_id, ticket_id, began_at = found
    for name, purpose, note, content in (
        ("推拉门滑轮.png", AttachmentPurpose.BEFORE, "滑轮磨损，门扇下沉约 1 厘米", _door()),
        ("订购的滑轮.png", AttachmentPurpose.OTHER, "已按原厂型号订货", _roller(NEW)),
    ):
        with clock.at(began_at):
            made = prepared(name, content, MEGABYTE)
            attachments.attach(session, store, ticket_id, made, purpose=purpose, note=note, work_order_id=order_id)


def _door() -> bytes:
    """Draw a sliding door whose left leaf has sunk on its rail."""
    picture = Image.new("RGB", SIZE, WALL)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((140, 90, 1140, 840), fill=FRAME)
    pen.rectangle((170, 120, 1110, 810), fill=RAIL)
    for left, sunk in ((180, 26), (650, 0)):
        pen.polygon(((left, 130), (left + 450, 130 + sunk), (left + 450, 790 + sunk), (left, 790)), fill=FRAME)
        pen.polygon(
            ((left + 40, 170), (left + 410, 170 + sunk), (left + 410, 750 + sunk), (left + 40, 750)), fill=GLASS
        )
    pen.ellipse((560, 770, 640, 850), fill=WORN, outline="#3d2414", width=6)
    pen.ellipse((500, 720, 700, 900), outline="#b3231b", width=10)
    return _encoded(picture)


def _roller(colour: str) -> bytes:
    """Draw the part."""
    picture = Image.new("RGB", SIZE, "#f1f2f4")
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((300, 360, 980, 600), radius=40, fill=RAIL, outline=FRAME, width=8)
    for left in (360, 760):
        pen.ellipse((left, 480, left + 200, 680), fill=colour, outline=FRAME, width=12)
        pen.ellipse((left + 75, 555, left + 125, 605), fill=FRAME)
    return _encoded(picture)


def _encoded(picture: Image.Image) -> bytes:
    kept = BytesIO()
    picture.save(kept, "PNG")
    return kept.getvalue()
