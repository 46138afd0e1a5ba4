"""``wuguan db``: the schema, up, down and where it is."""

import click

from admin.commands.edge import answer, answers, located
from tenant import migrations


@click.group("db", help="数据库结构：升级、回退、查看版本。")
def group() -> None:
    """Hold the commands about the schema."""


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
