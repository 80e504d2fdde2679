"""The models of the people domain."""

from commands.people.models.history import CompensationSnapshot, SenioritySnapshot, TimelineEvent
from commands.people.models.ladders import Ladder, LadderAspect, LadderLevel
from commands.people.models.organization import (
    Category,
    Chapter,
    Committee,
    Department,
    Organization,
    PayBand,
    Team,
    Tribe,
)
from commands.people.models.users import User, UserManager

__all__ = [
    "Category",
    "Chapter",
    "Committee",
    "CompensationSnapshot",
    "Department",
    "Ladder",
    "LadderAspect",
    "LadderLevel",
    "Organization",
    "PayBand",
    "SenioritySnapshot",
    "Team",
    "TimelineEvent",
    "Tribe",
    "User",
    "UserManager",
]
