"""What the pages say of an import: a line of the list, where it stands, what was decided, what it would do."""

from collections.abc import Mapping
from typing import Any, Final

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from admin import access, formats, working
from admin.session import session_at_hand
from importers import batches, foresight
from importers.choices import NOTE, Choices
from importers.sheets.kinds import KINDS, SheetKind, kind_named
from tenant import clock
from tenant.errors import NotFound
from tenant.models import ImportBatch, Job, Posting
from tenant.rules.terms import Act, Area, ImportMode, ImportState, JobState
from tenant.services import jobs

A_SECOND: Final = 1000
MILLISECONDS_A_MINUTE: Final = 60_000
SHOWN_DIGEST: Final = 12
READ, WRITE, UNDO, FORESEE = batches.READING, batches.WRITING, batches.UNDOING, batches.FORESEEING
NOTHING: Final = "没有变化"
DOING: Final = {READ: "正在读取", WRITE: "正在写入", UNDO: "正在撤销", FORESEE: "正在核对"}
"""The kinds of background work on a batch, as the card that follows it is titled."""
OF_UNDOING: Final = frozenset({UNDO, FORESEE})
"""What only those may ask for, and stop, who may undo."""
STOPPED: Final = {
    READ: "上一次读取已取消。可以按现在的读法重新预览，或放弃这次导入。",
    WRITE: "上一次写入已取消，没有写入任何内容。可以重新确认写入，或放弃这次导入。",
    UNDO: "上一次撤销已取消，写入的内容都还在。",
    FORESEE: "上一次核对已取消，写入的内容都还在。",
}
LASTING: Final = frozenset({"ownerships", "occupants", "leases"})
"""What has an end; a unit the file does not name stays."""
UNDER_WAY: Final = frozenset({ImportState.UPLOADED, ImportState.APPLYING, ImportState.UNDOING})
WRITTEN: Final = frozenset({ImportState.APPLIED, ImportState.UNDOING, ImportState.UNDONE})
DECIDABLE: Final = frozenset(batches.DECIDABLE)
"""States in which it can still be said how a file is read and what it may do."""
CARDS: Final = {
    "roster": ("people", "房屋、业主、住户和联系方式"),
    "arrears": ("dunning", "期初欠费和以前的应收"),
    "payments": ("money", "线下收款和收据"),
    "parking": ("car", "车位、车牌和租赁"),
    "meters": ("chart", "水电气表的读数"),
}
"""Icon and one line for each kind of sheet; a kind that is not named here gets a plain card."""
ABOUT: Final = {
    "roster": ("房屋", "业主", "是哪一位？"),
    "arrears": ("房屋", "缴费人", "请指明"),
    "payments": ("房屋", "缴费人", "请指明"),
    "parking": ("车位或车辆", "使用人", "请指明"),
    "meters": ("表计", "房屋", "请指明"),
}
"""What rows of a kind of sheet are about, who or what stands beside it, and how a row in doubt is asked about."""
MODES: Final = {
    ImportMode.FILL: "系统里空着的才填，已有的一概不改",
    ImportMode.UPDATE: "表里写了的改成表里的，表里空着的不动",
    ImportMode.REPLACE: "表里写了的改成表里的，表里空着的在系统里也清空",
}


def batch_of(batch_id: int) -> ImportBatch:
    """Return a batch with the people who had a hand in it; raises NotFound alike for none and another office's."""
    people = (ImportBatch.uploaded_by, ImportBatch.applied_by, ImportBatch.undone_by)
    statement = (
        select(ImportBatch)
        .where(ImportBatch.id == batch_id)
        .options(*(joinedload(person).joinedload(Posting.staff) for person in people))
        .execution_options(populate_existing=True)
    )
    found = session_at_hand().scalar(statement)
    if found is None:
        raise NotFound
    return found


def cards() -> list[dict[str, Any]]:
    """Return the kinds of sheet to choose from, each with the columns it knows."""
    return [
        {
            "key": kind.identifier,
            "label": kind.label,
            "icon": CARDS.get(kind.identifier, ("file", ""))[0],
            "words": CARDS.get(kind.identifier, ("file", ""))[1],
            "columns": [column.label for column in kind.columns],
        }
        for kind in map(kind_named, KINDS)
    ]


def line(batch: ImportBatch) -> dict[str, Any]:
    """Return one batch as a line of the list."""
    person = access.identity()
    office = person.office(batch.office_id) if person else None
    zone = access.zone_of(batch.office_id)
    return {
        "id": batch.id,
        "url": url_for("importing.batch", batch_id=batch.id),
        "file_name": batch.file_name,
        "kind": kind_named(batch.kind).label,
        "state": formats.badge(batch.state),
        "office": office.name if office else "",
        "by": _name(batch.uploaded_by),
        "uploaded": formats.shown(batch.created_at, zone=zone),
        "applied": formats.shown(batch.applied_at, zone=zone),
        "spent": span(batch.write_ms),
        "size": f"{max(batch.file_size // 1024, 1):,} KB",
        "rows": number(batch, "rows", "read"),
        "refused": number(batch, "rows", "refused") + number(batch, "rows", "conflict"),
    }


def standing(batch: ImportBatch) -> dict[str, Any]:
    """Return what the page of one batch says beyond its line in the list."""
    return {
        "sheet": batch.sheet,
        "version": batch.version,
        "is_waiting": batch.state is ImportState.PREVIEWED,
        "is_idle": batch.state is ImportState.PREVIEWED and written(batch) == NOTHING,
        "is_pending": batch.state in DECIDABLE | {ImportState.UPLOADED, ImportState.APPLYING},
        "is_decidable": batch.state in DECIDABLE and access.may(Area.IMPORTS, Act.IMPORT),
        "is_asking": batch.state is ImportState.MAPPING and access.may(Area.IMPORTS, Act.IMPORT),
        "is_undoable": batch.state is ImportState.APPLIED and access.may(Area.IMPORTS, Act.ACT),
        "is_large": foresight.is_large(batch),
        "fault": batch.fault,
        "told": _told(batch),
    }


def steps(batch: ImportBatch) -> list[tuple[str, str]]:
    """Return the steps of an import, each with done, current or nothing."""
    places = dict.fromkeys(DECIDABLE, 1) | {ImportState.UPLOADED: 0, ImportState.PREVIEWED: 2}
    here = places.get(batch.state, 3)
    last = "写入" if batch.state in DECIDABLE | {ImportState.UPLOADED, ImportState.APPLYING} else "结果"
    names = ("上传", "对列", "预览", last)
    return [(name, "done" if place < here else "current" if place == here else "") for place, name in enumerate(names)]


def job_of(batch_id: int) -> Job | None:
    """Return the youngest background work on a batch, as it stands now; None where there was none."""
    return (
        session_at_hand()
        .scalars(
            select(Job)
            .where(Job.subject_kind == "import_batch", Job.subject_id == batch_id, Job.kind.in_(DOING))
            .order_by(Job.id.desc())
            .limit(1)
            .execution_options(populate_existing=True)
        )
        .one_or_none()
    )


def ask(batch: ImportBatch, kind: str, total: int = 0) -> None:
    """Ask a worker for something long about a batch; ``total`` 0: not known."""
    jobs.ask(
        session_at_hand(),
        kind=kind,
        subject_kind=batches.SUBJECT,
        subject_id=batch.id,
        office_id=batch.office_id,
        total=total or None,
    )


def progress(batch: ImportBatch) -> dict[str, Any]:
    """Return how far the work on a batch is, None while there is none, and what is said of work that was cancelled."""
    job = job_of(batch.id)
    is_live = job is not None and job.state in {JobState.WAITING, JobState.RUNNING}
    is_cancelled = job is not None and job.state is JobState.CANCELLED and batch.state not in WRITTEN | UNDER_WAY
    return {
        "progress": working.told(job) if job is not None and is_live else None,
        "doing": DOING[job.kind] if job is not None else "",
        "job_kind": job.kind if job is not None else "",
        "may_stop": job is not None and access.may(Area.IMPORTS, Act.ACT if job.kind in OF_UNDOING else Act.IMPORT),
        "failed": job.last_error or "" if job is not None and job.state is JobState.FAILED else "",
        "was_cancelled": STOPPED[job.kind] if job is not None and is_cancelled else "",
    }


def decided(batch: ImportBatch) -> dict[str, Any]:
    """Return what was decided on a batch, for its form and in words."""
    choices = Choices.from_json(batch.choices)
    said = [
        f"{choices.mode.label}：{MODES[choices.mode]}",
        "有一行有问题就都不写入" if choices.all_or_nothing else "有问题的行留下，其余照常写入",
    ]
    if choices.ends_on:
        said.append(f"表里没有的在 {choices.ends_on.isoformat()} 结束")
    if choices.edits or choices.answers:
        said.append(f"在预览里改正 {len(choices.edits)} 格、答复 {len(choices.answers)} 处")
    return {
        "mode": choices.mode.value,
        "all_or_nothing": choices.all_or_nothing,
        "ends_on": choices.ends_on.isoformat() if choices.ends_on else "",
        "reads_hidden_rows": choices.reads_hidden_rows,
        "edits": [(sheet, row, letter, text) for (sheet, row, letter), text in choices.edits.items()],
        "answered": list(choices.answers),
        "answers": {f"{row}||{sheet}": said for (sheet, row), said in choices.answers.items()},
        "rooms": dict(choices.rooms),
        "corrected": len(choices.edits) + len(choices.answers),
        "words": said,
    }


def history(batch: ImportBatch) -> list[tuple[str, Any]]:
    """Return who did what with a batch, when and how long it took; what has not happened is not there."""
    zone = access.zone_of(batch.office_id)
    happened = (
        ("上传", batch.uploaded_by, batch.created_at, ""),
        ("读取用时", None, None, span(batch.read_ms)),
        ("写入", batch.applied_by, batch.applied_at, span(batch.write_ms)),
        ("撤销", batch.undone_by, batch.undone_at, ""),
    )
    told: list[tuple[str, Any]] = []
    for label, person, at, spent in happened:
        parts = [_name(person), formats.written(at, zone=zone) if at else "", spent and f"用时 {spent}"]
        if at is not None or spent:
            told.append((label, " · ".join(part for part in parts if part)))
    return told


def understood(kind: SheetKind, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each table's headings with what the column is taken for in the product's own word, None for nothing."""
    labels = {column.identifier: column.label for column in kind.columns} | {NOTE: "记入备注"}
    return [
        table | {"headings": [heading | {"label": labels.get(heading["identifier"])} for heading in table["headings"]]}
        for table in tables
    ]


def column_read(told: str) -> str:
    """Return in words how the record says a column was read: 名册!A=room → 「名册」A 列 房号."""
    place, _, identifier = told.rpartition("=")
    sheet, _, letter = place.rpartition("!")
    kinds = (column for kind in map(kind_named, KINDS) for column in kind.columns)
    label = next((column.label for column in kinds if column.identifier == identifier), identifier)
    return f"「{sheet}」{letter} 列 {'记入备注' if identifier == NOTE else label}"


def consequence(batch: ImportBatch, missing: Mapping[str, int]) -> str:
    """Return what confirming would do, in one sentence or two."""
    held = number(batch, "rows", "refused") + number(batch, "rows", "conflict")
    choices = Choices.from_json(batch.choices)
    parts = [f"将写入：{written(batch)}。"]
    if choices.ends_on and ending(batch, missing):
        parts.append(f"表里没有的{ending(batch, missing)}在 {choices.ends_on.isoformat()} 结束。")
    if held:
        parts.append(f"有问题的 {held} 行不会写入，可下载改正后再导入。")
    return "".join(parts)


def gone(batch: ImportBatch, missing: Mapping[str, int]) -> str:
    """Return in words how many lasting rows a file does not name: 产权 12 条."""
    subjects = kind_named(batch.kind).subjects
    return "、".join(f"{subjects.get(subject, subject)} {count} 条" for subject, count in missing.items() if count)


def ending(batch: ImportBatch, missing: Mapping[str, int]) -> str:
    """Return in words what of that has an end: 产权 12 条、住户 3 条; empty where nothing has."""
    return gone(batch, {subject: count for subject, count in missing.items() if subject in LASTING})


def written(batch: ImportBatch) -> str:
    """Return in words what a batch writes: 房屋新增 3、变更 0；业主新增 3、变更 0; the untouched is not named."""
    parts = [
        f"{label}新增 {number(batch, key, 'new')}、变更 {number(batch, key, 'changed')}"
        for key, label in kind_named(batch.kind).subjects.items()
        if number(batch, key, "new") or number(batch, key, "changed")
    ]
    return "；".join(parts) or NOTHING


def number(batch: ImportBatch, subject: str, outcome: str) -> int:
    """Return one of a batch's counts, 0 for one it has not."""
    part = batch.counts.get(subject)
    return int(part.get(outcome, 0)) if isinstance(part, dict) else 0


def span(milliseconds: int | None) -> str:
    """Return a duration in words, empty for None."""
    if milliseconds is None:
        return ""
    if milliseconds < MILLISECONDS_A_MINUTE:
        return f"{milliseconds / A_SECOND:.1f} 秒"
    minutes, rest = divmod(milliseconds, MILLISECONDS_A_MINUTE)
    return f"{minutes} 分 {rest // A_SECOND} 秒"


def today_of(batch: ImportBatch) -> str:
    """Return the day it is in the batch's office, as a form has it."""
    return clock.today(access.zone_of(batch.office_id)).isoformat()


def _told(batch: ImportBatch) -> str:
    """Return what became of a batch that was written, empty before."""
    if batch.state is ImportState.APPLIED:
        return f"「{batch.file_name}」已写入：{written(batch)}。"
    if batch.state is ImportState.UNDONE:
        kept = number(batch, "undone", "kept")
        but = f"除保持现状的 {kept} 条以外，" if kept else ""
        return f"「{batch.file_name}」的写入已撤销，{but}涉及的记录恢复到写入之前。"
    return ""


def _name(posting: Posting | None) -> str:
    return posting.staff.name if posting else ""
