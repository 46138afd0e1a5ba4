"""A dump of the database, and a database from a dump.

A dump is one consistent snapshot, written by PostgreSQL's own ``pg_dump`` and read by its ``pg_restore``. What comes
out of it is the past: mails that went out since stand in it as waiting. So a restored database has its mail stopped,
and a person lets it go on.
"""

import errno
import os
import re
import subprocess
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from tenant import embedded
from tenant.db import Addresses, make_roles, unreachable
from tenant.errors import Refusal, SettingsError

DEBIAN = Path("/usr/lib/postgresql")
WOULD_BE_FILTERED = "row-level security"
LAST_WORDS = 600
"""Characters of what a program of PostgreSQL's said that are shown to a person."""


def write(addresses: Addresses, file: Path) -> None:
    """Write the whole database into ``file``, which must not be there; nothing is left where it did not succeed.

    Raises Refusal where the file cannot be made, the login may not read everything, or no ``pg_dump`` fits the server.
    """
    pg_dump = _program("pg_dump", _server_version(addresses.owner))
    unfinished = file.with_name(f"{file.name}.part")
    try:
        if file.exists():
            raise FileExistsError(errno.EEXIST, "已有同名的文件")
        unfinished.touch(mode=0o600)
        _run(pg_dump, addresses.owner, f"--file={unfinished}", "--format=custom", "--compress=6")
        unfinished.replace(file)
    except OSError as error:
        raise Refusal(
            code="cannot_write",
            message=f"无法写入 {file}（{error.strerror}）。请换一个可写的位置和新的文件名；已有的文件不会被覆盖。",
            field="file",
            value=str(file),
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def read(addresses: Addresses, file: Path) -> None:
    """Fill the empty database from ``file``, whole or not at all; roles are made first where they are missing.

    Raises Refusal when the database is not empty, somebody else is connected to it, or the file is no dump.
    """
    if not file.is_file() or not os.access(file, os.R_OK):
        raise Refusal(
            code="no_file", message=f"找不到或无法读取 {file}。请检查路径和权限。", field="file", value=str(file)
        )
    make_roles(addresses.owner)
    pg_restore = _program("pg_restore", _require_empty(addresses.owner))
    _run(pg_restore, addresses.owner, "--exit-on-error", "--single-transaction", str(file))


def _require_empty(owner: URL) -> int:
    """Return the server's major version; raises Refusal unless nothing stands in the database and nobody is in it."""
    engine = create_engine(owner)
    try:
        with engine.connect() as connection:
            tables = _number(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            others = _number(
                connection,
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
            )
    finally:
        engine.dispose()
    if tables:
        raise Refusal(
            code="not_empty",
            message=(
                f"数据库 {owner.database} 里已有 {tables} 张表，恢复只写入空的数据库。"
                "请新建一个空数据库（使用内置数据库时换一个空的 WUGUAN_HOME），再运行恢复。"
            ),
            field="DATABASE_URL",
            value=owner.database,
        )
    if others:
        raise Refusal(
            code="in_use",
            message=f"还有 {others} 个连接正在使用数据库 {owner.database}。请先停止网页、后台和定时任务，再运行恢复。",
            field="DATABASE_URL",
            value=str(others),
        )
    return _server_version(owner)


def _server_version(owner: URL) -> int:
    """Return the major version of the server."""
    engine = create_engine(owner, connect_args={"connect_timeout": 5})
    try:
        with engine.connect() as connection:
            return _number(connection, "SELECT current_setting('server_version_num')::int") // 10000
    except DBAPIError as error:
        raise unreachable(owner, error) from error
    finally:
        engine.dispose()


def _number(connection: Connection, query: str) -> int:
    """Return the one number ``query`` asks of the server's catalogue."""
    return int(connection.scalar(text(query)))  # raw SQL: the catalogue of the server, which no model holds


def _program(name: str, server: int) -> str:
    """Return the path of PostgreSQL's program ``name`` for a server of the major version ``server``.

    The same version or the next above: an older one does not know the server, a much newer one writes what the server
    does not know. A machine's own programs go before those that came along, which speak no TLS.
    """
    places = embedded.programs()
    places |= {int(folder.name): folder / "bin" for folder in DEBIAN.glob("*") if folder.name.isdigit()}
    fitting = [(version, place / name) for version, place in sorted(places.items()) if version >= server]
    for _, program in fitting:
        if program.is_file():
            return str(program)
    raise SettingsError(
        code="no_program",
        message=f"找不到适用于 PostgreSQL {server} 的 {name}。请安装 postgresql-client-{server}。",
        field="PATH",
        value=name,
    )


def _run(program: str, address: URL, *arguments: str) -> None:
    """Run a program of PostgreSQL's on the database at ``address``; raises Refusal with its words when it fails."""
    plain = URL.create(
        "postgresql", address.username, None, address.host, address.port, address.database, dict(address.query)
    )
    # the password by the environment: what stands on a command line is seen by everybody on the machine
    environment = dict(os.environ) | ({"PGPASSWORD": str(address.password)} if address.password else {})
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program, found by us
        [program, "--no-password", f"--dbname={plain.render_as_string()}", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    words = re.sub(r"\s+", " ", done.stderr).strip()[:LAST_WORDS]
    if WOULD_BE_FILTERED in words:
        raise Refusal(
            code="role_too_weak",
            message=(
                f"登录 {address.username} 受行级安全约束，读不到全部数据，不能用来备份。"
                "请把 WUGUAN_OWNER_DATABASE_URL 设为管理员，或带有 BYPASSRLS 属性的登录。"
            ),
            field="WUGUAN_OWNER_DATABASE_URL",
            value=address.username,
        )
    raise Refusal(
        code="program_failed",
        message=f"{Path(program).name} 没有成功：{words}。数据库没有改动，请排除原因后重新运行。",
        field="file",
    )
