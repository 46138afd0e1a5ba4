"""Long work as a page tells of it: how far it is, in words and numbers, for the card that follows it."""

from datetime import datetime
from typing import Any, Final

from tenant import clock
from tenant.models import Job
from tenant.rules.terms import JobState

PATIENCE: Final = 15
"""Seconds after which work that nobody has taken up is said to wait for a worker."""
A_MINUTE: Final = 60


def told(job: Job) -> dict[str, Any]:
    """Return what a card shows of a job; a script reads the same by these names.

    ``finished``: there is nothing more to wait for. ``percent`` is None while the whole is not known.
    """
    is_live = job.state in {JobState.WAITING, JobState.RUNNING}
    percent = min(100 * job.done // job.total, 100) if job.total else None
    return {
        "state": job.state.value,
        "finished": not is_live,
        "phase": job.phase,
        "done": job.done,
        "total": job.total,
        "percent": percent,
        "words": _words(job) if is_live else f"{job.state.label}。",
        "is_ending": is_live and job.cancel_asked_at is not None,
    }


def _words(job: Job) -> str:
    """Return in a sentence how far a job is."""
    if job.cancel_asked_at is not None:
        return "正在取消，已处理的部分不会保留。"
    if job.state is JobState.WAITING:
        if job.attempts:
            return "处理被中断，马上自动重新开始。"
        waits = _seconds_since(job.created_at)
        return "正在等待后台处理。" if waits < PATIENCE else f"已等待 {_span(waits)}，后台尚未开始处理。可以离开本页。"
    spent = f"已用 {_span(_seconds_since(job.started_at))}" if job.started_at else ""
    rows = f"{job.done:,} / {job.total:,}" if job.total else f"{job.done:,}" if job.done else ""
    return " · ".join(part for part in (job.phase or "正在开始", rows, spent) if part)


def _seconds_since(instant: datetime) -> int:
    return max(0, int((clock.now() - instant).total_seconds()))


def _span(seconds: int) -> str:
    return f"{seconds} 秒" if seconds < A_MINUTE else f"{seconds // A_MINUTE} 分 {seconds % A_MINUTE} 秒"
