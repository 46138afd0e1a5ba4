"""All tables of the domain. Importing this package registers every one of them."""

from tenant.models.attachments import Attachment
from tenant.models.base import Base, GroupOnly, GroupShared, OfficeOptional, OfficeScoped, Walled
from tenant.models.billing import BillingLine, BillingRun, Concession, Tariff
from tenant.models.calendars import CalendarDay, CalendarYear
from tenant.models.charges import Charge, ChargeType
from tenant.models.clock_policies import ClockPolicy, OfficeClockPolicy, PolicyReplay
from tenant.models.clockwork import Beat, DueAction, Job, OutboxMessage, Schedule, ScheduleFire
from tenant.models.complaints import Complaint
from tenant.models.daily_log import LogEntry
from tenant.models.defects import Builder, Defect, Rectification, RectificationCheck, RectificationNote
from tenant.models.dunning import DunningNotice, DunningProcedure
from tenant.models.duties import Absence, Duty, Shift
from tenant.models.estates import Building, Estate, Section, Unit
from tenant.models.imports import HeadingAlias, ImportBatch, ImportLayout
from tenant.models.mails import Mail, MailDomain, MailGate
from tenant.models.meters import Meter, MeterReading
from tenant.models.organisation import Company, Department, Office
from tenant.models.owners import Occupant, Owner, Ownership
from tenant.models.parking import ParkingLease, ParkingSpace, Vehicle
from tenant.models.payments import Allocation, Payment
from tenant.models.people import Posting, SignIn, Staff
from tenant.models.reports import Report
from tenant.models.requests import QuoteLine, ServiceRequest, WorkOrder
from tenant.models.tickets import Clock, Contact, Escalation, FollowUp, NumberSeries, Pause, Ticket, Topic

__all__ = [
    "Absence",
    "Allocation",
    "Attachment",
    "Base",
    "Beat",
    "BillingLine",
    "BillingRun",
    "Builder",
    "Building",
    "CalendarDay",
    "CalendarYear",
    "Charge",
    "ChargeType",
    "Clock",
    "ClockPolicy",
    "Company",
    "Complaint",
    "Concession",
    "Contact",
    "Defect",
    "Department",
    "DueAction",
    "DunningNotice",
    "DunningProcedure",
    "Duty",
    "Escalation",
    "Estate",
    "FollowUp",
    "GroupOnly",
    "GroupShared",
    "HeadingAlias",
    "ImportBatch",
    "ImportLayout",
    "Job",
    "LogEntry",
    "Mail",
    "MailDomain",
    "MailGate",
    "Meter",
    "MeterReading",
    "NumberSeries",
    "Occupant",
    "Office",
    "OfficeClockPolicy",
    "OfficeOptional",
    "OfficeScoped",
    "OutboxMessage",
    "Owner",
    "Ownership",
    "ParkingLease",
    "ParkingSpace",
    "Pause",
    "Payment",
    "PolicyReplay",
    "Posting",
    "QuoteLine",
    "Rectification",
    "RectificationCheck",
    "RectificationNote",
    "Report",
    "Schedule",
    "ScheduleFire",
    "Section",
    "ServiceRequest",
    "Shift",
    "SignIn",
    "Staff",
    "Tariff",
    "Ticket",
    "Topic",
    "Unit",
    "Vehicle",
    "Walled",
    "WorkOrder",
]
