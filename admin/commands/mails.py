"""``wuguan mail stop|resume``: the group's switch, for whoever has a terminal and no time for a screen."""

import click

from admin.commands.edge import answer, answers, group_session, open_database
from admin.commands.sweeps import mail as group
from tenant.services import mails
from tenant.unscoped import Reason

__all__ = ["group"]


@group.command("stop", help="停发全部邮件：立即生效，直到恢复为止；照常写入的邮件会等待。")
@click.option("--reason", required=True, help="停发原因，会显示在发件箱并写入审计。")
@answers
def stop(*, reason: str, as_json: bool) -> None:
    """Let no mail of the group go out from now on."""
    with open_database() as database, group_session(database, Reason.SETTING_UP) as session:
        held = mails.stop_all(session, reason)
        payload = {"stopped_at": held.stopped_at, "reason": held.reason, "by": held.stopped_by}
    answer(payload, as_json=as_json, sentence="全部邮件已停发。恢复请运行 wuguan mail resume。")


@group.command("resume", help="恢复发信：停发期间等待的邮件会陆续发出，请先在发件箱核对。")
@answers
def resume(*, as_json: bool) -> None:
    """Let mail go out again."""
    with open_database() as database, group_session(database, Reason.SETTING_UP) as session:
        mails.resume_all(session)
    answer({"stopped_at": None}, as_json=as_json, sentence="已恢复发信。等待的邮件会陆续发出。")
