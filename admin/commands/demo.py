"""``wuguan demo``: the whole product with an invented group, from nothing, on one machine."""

import secrets
from dataclasses import replace
from pathlib import Path

import click

from admin.commands.edge import answers, open_database, read_settings
from admin.commands.serving import Work, listens, run
from admin.demo.group import OFFICES
from tenant.errors import SettingsError
from tenant.files import open_store
from tenant.rules.terms import BeatKind, Role
from tenant.settings import Settings

SEED = 20260101
PASSWORD_FILE = "demo-password"  # noqa: S105 - a file's name


@click.command("demo", help="试用：装入虚构的集团（首次约一分钟）并启动全部；数据保留，再次启动只需数秒。")
@click.option("--seed", default=SEED, show_default=True, help="虚构数据的种子；同一种子得到同样的数据。")
@listens
@click.option("--load-only", is_flag=True, help="只装入数据，不启动。")
@answers
def command(
    *,
    seed: int,
    host: str | None,
    port: int | None,
    load_only: bool,
    as_json: bool,  # noqa: ARG001 - every command takes --json
) -> None:
    """Load the invented group where it is missing, then serve it."""
    from admin.demo.load import load

    settings = read_settings()
    host, port = host or settings.host, settings.port if port is None else port
    settings = replace(
        settings, host=host, port=port, base_url=f"http://{host}:{port}", is_demo=True, smtp_url=None, broker_url=None
    )
    _refuse_real_data(settings)
    password = demo_password(settings.home)
    with open_database(settings) as database:
        load(database, open_store(settings), seed=seed, password=password, say=click.echo)
        if not load_only:
            run(settings, database, Work(BeatKind.SERVE), banner=_banner(settings, password))


def _refuse_real_data(settings: Settings) -> None:
    """Keep invented people out of a database that somebody else may be using."""
    if settings.database_url is not None:
        raise SettingsError(
            code="demo_needs_own_database",
            message="试用只使用内置数据库，以免把虚构数据写进正式库。请先取消 DATABASE_URL 再运行 wuguan demo。",
            field="DATABASE_URL",
        )


def demo_password(home: Path) -> str:
    """Return the password of all invented people in ``home``, made up once: there is no default password."""
    path = home / PASSWORD_FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(f"demo-{secrets.token_hex(4)}")
    return path.read_text()


def _banner(settings: Settings, password: str) -> str:
    office = OFFICES[1]
    lines = [
        "",
        f"  物管已启动    {settings.base_url}/",
        f"  外发邮件      {settings.base_url}/outbox/（只收集在本机，不会发出）",
        f"  全部账号密码  {password}",
        "",
        f"  {office.name}（{office.code}）",
    ]
    of_office = (
        Role.OFFICE_ADMIN,
        Role.FRONT_DESK,
        Role.SUPERVISOR,
        Role.DIRECTOR,
        Role.ASSISTANT,
        Role.DEPARTMENT_HEAD,
        Role.ENGINEERING_ASSISTANT,
        Role.TECHNICIAN,
        Role.FINANCE_ASSISTANT,
    )
    lines += [f"    {role.label}\t{office.code.lower()}.{role.value}" for role in of_office]
    lines.append(f"  其他管理处把 {office.code.lower()} 换成 {'、'.join(plan.code.lower() for plan in OFFICES)}")
    lines.append("  公司")
    lines += [
        f"    {role.label}\t{office.company.lower()}.{role.value}"
        for role in (Role.COMPANY_CENTRE, Role.GENERAL_MANAGER)
    ]
    lines.append("  集团")
    lines += [f"    {role.label}\t{role.value}" for role in (Role.GROUP_CENTRE, Role.AUDITOR, Role.SYSTEM_ADMIN)]
    return "\n".join([*lines, "", "  按 Ctrl-C 停止，数据保留。", ""])
