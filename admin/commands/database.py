"""``wuguan db``: the schema, up, down and where it is; the whole database into a file and out of it."""

from pathlib import Path

import click

from admin import dumps
from admin.commands.edge import answer, answers, group_session, located, read_settings
from audit.capture import Capture
from tenant import migrations
from tenant.db import Addresses, Database, refresh_statistics
from tenant.journal import RecordedAct, note
from tenant.services import mails
from tenant.unscoped import Reason


@click.group("db", help="数据库：升级、回退、查看版本；备份、恢复。")
def group() -> None:
    """Hold the commands about the database."""


@group.command(help="把数据库结构升级到程序的最新版本；缺少的数据库角色会先建立。")
@answers
def upgrade(*, as_json: bool) -> None:
    """Bring the schema to the head."""
    with located() as addresses:
        migrations.upgrade(addresses)
        found = migrations.current(addresses)
    answer({"revision": found}, as_json=as_json, sentence=f"数据库结构已是最新版本 {found}。")


@group.command(help="把数据库结构回退到版本 REVISION（base 表示清空）；回退会删除相应的表和数据。")
@click.argument("revision")
@click.option("--yes", is_flag=True, help="不再询问。")
@answers
def downgrade(*, revision: str, yes: bool, as_json: bool) -> None:
    """Take the schema back, after asking."""
    if not yes and not as_json:
        click.confirm(f"将把数据库结构回退到 {revision}，被删除的表中的数据无法恢复。继续吗？", abort=True)
    with located() as addresses:
        migrations.downgrade(addresses, revision)
        found = migrations.current(addresses)
    answer({"revision": found}, as_json=as_json, sentence=f"数据库结构已回退到 {found or '空'}。")


@group.command(help="显示数据库结构的版本和程序需要的版本。")
@answers
def current(*, as_json: bool) -> None:
    """Tell the revision of the schema and of the program."""
    with located() as addresses:
        found = migrations.current(addresses)
    head = migrations.head()
    state = "已是最新" if found == head else "需要运行 wuguan db upgrade"
    answer(
        {"revision": found, "head": head},
        as_json=as_json,
        sentence=f"数据库：{found or '空'}；程序：{head}。{state}。",
    )


@group.command(help="把整个数据库备份到 FILE，是同一时刻的快照。连同密钥和本机邮件的备份见 deploy/backup.sh。")
@click.argument("file", type=click.Path(path_type=Path))
@answers
def dump(*, file: Path, as_json: bool) -> None:
    """Write the database into a file; that all of it was taken away stands on the record."""
    with located() as addresses:
        found = migrations.current(addresses)
        if found == migrations.head():
            _note(addresses, RecordedAct(verb="database.dumped", facts={"file": file.name}))
        dumps.write(addresses, file)
    size = file.stat().st_size
    answer(
        {"file": str(file), "bytes": size, "revision": found},
        as_json=as_json,
        sentence=f"已备份到 {file}（{size} 字节，结构版本 {found or '空'}）。",
    )


@group.command(help="从 FILE 恢复到空的数据库，再升级结构。恢复之后邮件是停发的：核对之后再运行 wuguan mail resume。")
@click.argument("file", type=click.Path(path_type=Path))
@answers
def restore(*, file: Path, as_json: bool) -> None:
    """Fill an empty database from a file, bring it to the head and stop its mail: the file knows nothing since."""
    read_settings().signing_key()  # a home that cannot be written is told before, not after
    with located() as addresses:
        dumps.read(addresses, file)
        migrations.upgrade(addresses)
        _note(addresses, RecordedAct(verb="database.restored", facts={"file": file.name}), stopping_mail=True)
        refresh_statistics(addresses)
        found = migrations.current(addresses)
    answer(
        {"revision": found, "mail_stopped": True},
        as_json=as_json,
        sentence=(
            f"已恢复，结构版本 {found}。全部邮件已停发：备份之后已经发出的邮件在这里仍是待发送。"
            "请在「发件箱」核对之后运行 wuguan mail resume。"
        ),
    )


def _note(addresses: Addresses, act: RecordedAct, *, stopping_mail: bool = False) -> None:
    """Put an act on the whole database on the record, and with ``stopping_mail`` let no mail out before a person does.

    Both happen at once: nobody who starts after it finds mail that may go.
    """
    database = Database(addresses, Capture(), pool_size=1)
    try:
        with group_session(database, Reason.SETTING_UP) as session:
            note(session, act)
            gate = mails.gate(session)
            if stopping_mail and (gate is None or gate.stopped_at is None):
                mails.stop_all(session, "数据库从备份恢复，核对之前停发")
    finally:
        database.engine.dispose()
