"""Tables, constraints and the behaviour of a single row. Nothing here knows of Flask, and nothing asks the clock."""

from scheduler.db import Base
from scheduler.models.feeds import BusyCalendar, Feed
from scheduler.models.hours import Absence, Hours, HoursException, Opening, Presence, Rota
from scheduler.models.outbox import Heartbeat, Message
from scheduler.models.people import Account, AccountRole, Adviser
from scheduler.models.town import Agency, Carrier, Closure, Concern, Place, Service, Topic, Town
from scheduler.models.visits import (
    Consultation,
    Contact,
    FreedTime,
    IdempotencyKey,
    ShownForecast,
    Step,
    TicketCounter,
    TurnedAway,
    Visit,
)

__all__ = [
    "Absence",
    "Account",
    "AccountRole",
    "Adviser",
    "Agency",
    "Base",
    "BusyCalendar",
    "Carrier",
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
    "Message",
    "Opening",
    "Place",
    "Presence",
    "Rota",
    "Service",
    "ShownForecast",
    "Step",
    "TicketCounter",
    "Topic",
    "Town",
    "TurnedAway",
    "Visit",
]
