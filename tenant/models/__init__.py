"""All tables of the domain. Importing this package registers every one of them."""

from tenant.models.base import Base, GroupOnly, GroupShared, OfficeOptional, OfficeScoped, Walled
from tenant.models.charges import Charge, ChargeType
from tenant.models.clockwork import Beat, DueAction, Job, OutboxMessage, Schedule, ScheduleFire
from tenant.models.complaints import Complaint
from tenant.models.dunning import DunningNotice, DunningProcedure
from tenant.models.estates import Building, Estate, Section, Unit
from tenant.models.imports import HeadingAlias, ImportBatch, ImportLayout
from tenant.models.mails import Mail, MailDomain, MailGate
from tenant.models.meters import Meter, MeterReading
from tenant.models.organisation import Company, Department, Office
from tenant.models.owners import Occupant, Owner, Ownership
from tenant.models.parking import ParkingLease, ParkingSpace, Vehicle
from tenant.models.payments import Allocation, Payment
from tenant.models.people import Posting, SignIn, Staff
from tenant.models.requests import ServiceRequest, WorkOrder
from tenant.models.tickets import Clock, Escalation, FollowUp, NumberSeries, Ticket

__all__ = [
    "Allocation",
    "Base",
    "Beat",
    "Building",
    "Charge",
    "ChargeType",
    "Clock",
    "Company",
    "Complaint",
    "Department",
    "DueAction",
    "DunningNotice",
    "DunningProcedure",
    "Escalation",
    "Estate",
    "FollowUp",
    "GroupOnly",
    "GroupShared",
    "HeadingAlias",
    "ImportBatch",
    "ImportLayout",
    "Job",
    "Mail",
    "MailDomain",
    "MailGate",
    "Meter",
    "MeterReading",
    "NumberSeries",
    "Occupant",
    "Office",
    "OfficeOptional",
    "OfficeScoped",
    "OutboxMessage",
    "Owner",
    "Ownership",
    "ParkingLease",
    "ParkingSpace",
    "Payment",
    "Posting",
    "Schedule",
    "ScheduleFire",
    "Section",
    "ServiceRequest",
    "SignIn",
    "Staff",
    "Ticket",
    "Unit",
    "Vehicle",
    "Walled",
    "WorkOrder",
]
