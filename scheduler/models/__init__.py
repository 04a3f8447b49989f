"""Tables, constraints and the behaviour of a single row. Nothing here knows of Flask, and nothing asks the clock."""

from scheduler.db import Base
from scheduler.models.feeds import BusyCalendar, Feed
from scheduler.models.hours import Absence, Hours, HoursException, Opening, Presence, Rota
from scheduler.models.outbox import Heartbeat, Message, SentText
from scheduler.models.people import (
    Account,
    AccountLink,
    AccountRole,
    Adviser,
    AuditLine,
    LoginDelay,
    RecoveryCode,
)
from scheduler.models.town import Agency, Carrier, Closure, Concern, Place, Service, Topic, Town
from scheduler.models.visits import (
    CaseMark,
    Consultation,
    Contact,
    FreedTime,
    IdempotencyKey,
    MonthlyCount,
    ShownForecast,
    Step,
    TicketCounter,
    TurnedAway,
    Visit,
)

__all__ = [
    "Absence",
    "Account",
    "AccountLink",
    "AccountRole",
    "Adviser",
    "Agency",
    "AuditLine",
    "Base",
    "BusyCalendar",
    "Carrier",
    "CaseMark",
    "Closure",
    "Concern",
    "Consultation",
    "Contact",
    "Feed",
    "FreedTime",
    "Heartbeat",
    "Hours",
    "HoursException",
    "IdempotencyKey",
    "LoginDelay",
    "Message",
    "MonthlyCount",
    "Opening",
    "Place",
    "Presence",
    "RecoveryCode",
    "Rota",
    "SentText",
    "Service",
    "ShownForecast",
    "Step",
    "TicketCounter",
    "Topic",
    "Town",
    "TurnedAway",
    "Visit",
]
