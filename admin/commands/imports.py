"""``wuguan import``: a workbook from the terminal, by the same plan as on the screen, and taken back the same way."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from admin.commands.edge import OfficeAtHand, answer, answers, find_office, office_session, open_database, read_term
from importers import apply as importing
from importers import batches, frames, undo
from importers.choices import Choices
from importers.sheets import kind_named
from tenant.db import Database
from tenant.errors import Refusal
from tenant.models import ImportBatch, Office
from tenant.rules.terms import ImportMode, ImportState

PATIENCE: Final = 60.0
"""Seconds to wait for another import of the office; then a command says so and ends."""


def chooses(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options by which it is decided what an import may do, as its argument ``choices``."""

    @click.option(
        "--mode", default=ImportMode.UPDATE.value, help="fill 只补空白，update 更新（默认），replace 以文件为准。"
    )
    @click.option("--all-or-nothing", is_flag=True, help="有一行不能写入就全部不写。")
    @click.option("--ends-on", type=click.DateTime(["%Y-%m-%d"]), help="文件里没有的产权在这一天结束；默认不动。")
    @wraps(function)
    def command(*, mode: str, all_or_nothing: bool, ends_on: datetime | None, **others: Any) -> None:
        chosen = Choices(
            mode=read_term(ImportMode, mode, field="mode", label="导入方式"),
            all_or_nothing=all_or_nothing,
            ends_on=None if ends_on is None else ends_on.date(),
        )
        function(choices=chosen, **others)

    return command


@click.command(
    "import", help="导入 KIND（如 roster 业主名册）的表格 FILE：先 --preview 预览，再 --apply 写入；--undo 整批撤销。"
)
@click.argument("kind", required=False)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--office", "office_code", required=True, help="管理处编码。")
@click.option("--preview", is_flag=True, help="只预览，不写入；与 --undo 一起用时只列出会撤销什么。")
@click.option("--apply", "do_apply", is_flag=True, help="写入。")
@click.option("--undo", "undone", type=int, metavar="BATCH", help="整批撤销已写入的批次。")
@answers
@chooses
def import_file(
    *,
    kind: str | None,
    file: Path | None,
    office_code: str,
    preview: bool,
    do_apply: bool,
    undone: int | None,
    choices: Choices,
    as_json: bool,
) -> None:
    """Preview a file, preview and apply it, or undo a batch; what is written is one transaction."""
    if undone is not None:
        if kind or file or do_apply:
            raise Refusal(code="undo_alone", message="--undo 只需要批次号和 --office，不用写种类和文件。", field="undo")
        payload, sentence = _undo(office_code, undone, only_preview=preview)
        answer(payload, as_json=as_json, sentence=sentence)
        return
    if not kind or file is None:
        raise Refusal(code="no_file", message="请写明种类和文件，例如 wuguan import roster 名册.xlsx。", field="file")
    if preview == do_apply:
        raise Refusal(code="preview_or_apply", message="请用 --preview（预览）或 --apply（写入）之一。", field="apply")
    name = file.name.encode("utf-8", "replace").decode()  # a file may be named in another encoding
    content = _read(file)
    with open_database() as database:
        office = find_office(database, office_code)
        batch_id, payload, notices = _preview(database, office, kind, name, content, choices)
        if do_apply:
            payload = _apply(database, office, batch_id)
    answer(payload, as_json=as_json, sentence="\n".join([_sentence(payload), *notices]))


def _preview(
    database: Database, office: OfficeAtHand, kind: str, name: str, content: bytes, choices: Choices
) -> tuple[int, dict[str, Any], list[str]]:
    """Keep the file as a batch; return its number, its answer and what the user should know."""
    with office_session(database, office) as session:
        place = session.get_one(Office, office.id)
        batch = batches.preview(session, place, kind, name, content, choices)
        notices = [str(notice) for notice in frames.head(batch)["notices"]]
        return batch.id, _told(batch), notices


def _apply(database: Database, office: OfficeAtHand, batch_id: int) -> dict[str, Any]:
    with office_session(database, office) as session:
        batch = session.get_one(ImportBatch, batch_id)
        if batch.state is ImportState.MAPPING:
            raise Refusal(
                code="mapping_needed",
                message=f"{batch.fault or '有的列还没有对好。'}可以在页面「导入」里打开批次 {batch_id} 对列。",
                field="file",
            )
        return _told(importing.apply(session, batch_id, patience=PATIENCE))


def _undo(office_code: str, batch_id: int, *, only_preview: bool) -> tuple[dict[str, Any], str]:
    """Undo a batch, or foresee it; return the answer, of what was done where it was done, and its sentence."""
    with open_database() as database:
        office = find_office(database, office_code)
        with office_session(database, office) as session:
            if only_preview:
                undoing = undo.foresee(session, batch_id)
            else:
                undoing = undo.outcome(undo.undo(session, batch_id, patience=PATIENCE))
            batch = session.get_one(ImportBatch, batch_id)
            kept = [dict(row) for row in undoing.kept]
            payload = {"batch": batch_id, "kind": batch.kind, "state": batch.state.value, "kept": kept} | {
                "counts": {label: dict(counted) for label, counted in undoing.counts.items()}
            }
    lines = [f"批次 {batch_id}：{'会撤销' if only_preview else '已撤销'}。"]
    lines += [
        f"{label}：删去 {counted['removed']}，恢复 {counted['restored']}，保留 {counted['kept']}。"
        for label, counted in undoing.counts.items()
    ]
    return payload, "\n".join(lines + [f"  {row['what']}：{row['why']}。" for row in kept])


def _told(batch: ImportBatch) -> dict[str, Any]:
    return importing.answer(batch) | {"fault": batch.fault}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refusal(
            code="unreadable_file",
            message=f"读不了文件「{file}」（{error.strerror}）。请核对路径和权限。",
            field="file",
            value=str(file),
        ) from error


def _sentence(payload: dict[str, Any]) -> str:
    counts = payload["counts"]
    lines = [f"批次 {payload['batch']}：{ImportState(payload['state']).label}，工作表「{payload['sheet']}」。"]
    if payload["fault"]:
        lines.append(payload["fault"])
    for subject, label in kind_named(payload["kind"]).subjects.items():
        if subject in counts:
            part = counts[subject]
            lines.append(f"{label}：新增 {part['new']}，变更 {part['changed']}，相同 {part['same']}。")
    if rows := counts.get("rows"):
        lines.append(f"读取 {rows['read']} 行，拒绝 {rows['refused']} 行，冲突 {rows['conflict']} 行。")
    lines += [f"  {fault['reason']}" for fault in payload["refused"]]
    return "\n".join(lines)
