"""What is due and not done, done: one function a kind, the same for the worker and for the command line."""

from tasks.sweeps.bounces import run_bounces
from tasks.sweeps.drain import Pace
from tasks.sweeps.dunning import run_dunning
from tasks.sweeps.escalations import run_escalations
from tasks.sweeps.files import FilesReport, run_files
from tasks.sweeps.gaps import run_gaps
from tasks.sweeps.gathering import run_gathering
from tasks.sweeps.handover import run_handover
from tasks.sweeps.mail import run_mail
from tasks.sweeps.replan import ReplanReport, run_replan
from tasks.sweeps.report import SweepReport
from tasks.sweeps.reports import run_reports
from tasks.sweeps.routing import run_routing
from tasks.sweeps.warnings import run_warnings

__all__ = [
    "FilesReport",
    "Pace",
    "ReplanReport",
    "SweepReport",
    "run_bounces",
    "run_dunning",
    "run_escalations",
    "run_files",
    "run_gaps",
    "run_gathering",
    "run_handover",
    "run_mail",
    "run_replan",
    "run_reports",
    "run_routing",
    "run_warnings",
]
