"""``wuguan import``: an owner roster from the terminal, by the same plan as on the screen."""

from pathlib import Path
from typing import Any

import click

from admin.commands.edge import answer, answers, find_office, office_session, open_database
from importers import apply as importing
from importers.sheets import kind_named
from tenant.errors import Refusal
from tenant.models import Office


@click.command("import", help="导入 KIND（roster 业主名册）的表格 FILE：先 --preview 预览，再 --apply 写入。")
@click.argument("kind")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--office", "office_code", required=True, help="管理处编码。")
@click.option("--preview", is_flag=True, help="只预览，不写入。")
@click.option("--apply", "do_apply", is_flag=True, help="写入。")
@answers
def import_file(*, kind: str, file: Path, office_code: str, preview: bool, do_apply: bool, as_json: bool) -> None:
    """Preview a file, or preview and apply it in one transaction."""
    if preview == do_apply:
        raise Refusal(code="preview_or_apply", message="请用 --preview（预览）或 --apply（写入）之一。", field="apply")
    content = _read(file)
    with open_database() as database:
        office = find_office(database, office_code)
        with office_session(database, office) as session:
            name = file.name.encode("utf-8", "replace").decode()  # a file may be named in another encoding
            batch = importing.preview(session, session.get_one(Office, office.id), kind, name, content)
            batch_id, payload = batch.id, importing.answer(batch)
            notices = [str(notice) for notice in importing.unpacked(batch)["notices"]]
        if do_apply:
            with office_session(database, office) as session:
                payload = importing.answer(importing.apply(session, batch_id))
    answer(payload, as_json=as_json, sentence="\n".join([_sentence(payload), *notices]))


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
    lines = [f"批次 {payload['batch']}：{payload['state']}，工作表「{payload['sheet']}」。"]
    for subject, label in kind_named(payload["kind"]).subjects.items():
        part = counts[subject]
        lines.append(f"{label}：新增 {part['new']}，变更 {part['changed']}，相同 {part['same']}。")
    rows = counts["rows"]
    lines.append(f"读取 {rows['read']} 行，拒绝 {rows['refused']} 行，冲突 {rows['conflict']} 行。")
    lines += [f"  {fault['reason']}" for fault in payload["refused"]]
    return "\n".join(lines)
