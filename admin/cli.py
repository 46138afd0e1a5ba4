"""``wuguan``: the one command, and what it says when it is called wrongly."""

import sys

import click

from admin.commands import (
    database,
    demo,
    health,
    imports,
    mails,
    organisation,
    record,
    schedule,
    serving,
    sweeps,
    tickets,
)
from admin.commands.edge import refuse
from tenant.errors import Refusal

MISUSED = 2


@click.group(help="物管：物业集团管理处的后台。", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wuguan", message="wuguan %(version)s")
def wuguan() -> None:
    """Hold all commands."""


for command in (
    database.group,
    demo.command,
    serving.serve,
    serving.web,
    serving.worker,
    serving.scheduler,
    organisation.company,
    organisation.office,
    organisation.people,
    imports.import_file,
    tickets.group,
    sweeps.sweep,
    mails.group,
    schedule.group,
    record.group,
    health.command,
):
    wuguan.add_command(command)


def main() -> None:
    """Run a command: exit 0 done, 1 refused or found wanting, 2 called wrongly, 130 interrupted."""
    try:
        wuguan.main(standalone_mode=False)
    except click.UsageError as error:
        click.echo(f"错误：{_misuse(error)}", err=True)
        if error.ctx is not None:
            click.echo(f"用法见：{error.ctx.command_path} --help", err=True)
        sys.exit(MISUSED)
    except Refusal as refusal:
        refuse(refusal, as_json="--json" in sys.argv)
    except (click.Abort, KeyboardInterrupt):
        click.echo("已取消。", err=True)
        sys.exit(130)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)


def _misuse(error: click.UsageError) -> str:
    """Say in Chinese what was wrong with the call."""
    if isinstance(error, click.NoSuchOption):
        return f"没有选项 {error.option_name}。"
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return f"缺少 {error.param.get_error_hint(error.ctx) if error.ctx else error.param.name}。"
    if isinstance(error, click.BadParameter) and error.param is not None:
        return f"{error.param.name} 的值无法使用：{error.message}"
    if error.message.startswith("No such command"):
        return f"没有命令 {error.message.removeprefix('No such command ').rstrip('.')}。"
    return error.message
