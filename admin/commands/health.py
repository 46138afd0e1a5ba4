"""``wuguan doctor``: is everything as it should be, and if not, what to do."""

import sys

import click

from admin import doctor
from admin.commands.edge import REFUSED, answer, answers


@click.command("doctor", help="体检：设置、数据库、结构版本、队列滞后、邮件；有问题时退出码为 1。")
@answers
def command(*, as_json: bool) -> None:
    """Check everything and say what to do about what is wrong."""
    findings = doctor.examine()
    ok = all(finding.ok for finding in findings)
    payload = {
        "ok": ok,
        "checks": [
            {"name": finding.name, "ok": finding.ok, "value": finding.value, "advice": finding.advice}
            for finding in findings
        ],
    }
    lines = [
        f"{'正常' if finding.ok else '异常'}  {finding.label}：{finding.value}"
        + ("" if finding.ok or not finding.advice else f"\n      {finding.advice}")
        for finding in findings
    ]
    answer(payload, as_json=as_json, sentence="\n".join(lines))
    if not ok:
        sys.exit(REFUSED)
