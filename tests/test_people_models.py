"""What the database itself holds about people, whoever writes to it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import IntegrityError, models, transaction

from commands.people.models import (
    Chapter,
    CompensationSnapshot,
    Department,
    Ladder,
    LadderAspect,
    LadderLevel,
    Organization,
    PayBand,
    TimelineEvent,
    User,
)

pytestmark = pytest.mark.django_db

DAY = dt.date(2024, 2, 29)


def refused(record: models.Model) -> bool:
    """Whether the database refuses to take the record."""
    try:
        with transaction.atomic():
            record.save(force_insert=True)
    except IntegrityError:
        return True
    return False


def event_of(user: User) -> TimelineEvent:
    """Return a new event of this user."""
    return TimelineEvent.objects.create(user=user, event_type="PAY_CHANGE", effective_date=DAY)


def test_the_migrations_make_what_the_models_say() -> None:
    call_command("makemigrations", "people", check=True, dry_run=True, verbosity=0)


def test_an_address_is_taken_in_whatever_case_it_is_written() -> None:
    User.objects.create_user("Anna@Example.org")
    assert refused(User(email="anna@example.ORG"))


def test_an_address_keeps_the_case_in_which_it_was_written() -> None:
    User.objects.create_user("Anna@Example.ORG")
    assert User.objects.get().email == "Anna@Example.ORG"


@pytest.mark.parametrize("spelling", ["Anna_B@Example.org", "anna_b@example.org"])
def test_a_login_is_found_in_whatever_case_it_is_written(spelling: str) -> None:
    anna = User.objects.create_user("Anna_B@Example.org")
    User.objects.create_user("AnnaXB@Example.org")
    assert User.objects.get_by_natural_key(spelling) == anna


def test_a_user_without_password_cannot_log_in() -> None:
    assert not User.objects.create_user("anna@example.org").has_usable_password()
    assert User.objects.create_superuser("root@example.org", "secret").check_password("secret")


@pytest.mark.parametrize("number", ["20.3", "0.1", "19.9"])
def test_a_pay_band_between_the_steps_is_refused(number: str) -> None:
    assert refused(PayBand(number=Decimal(number)))


@pytest.mark.parametrize("number", ["0", "0.5", "20", "20.5"])
def test_a_pay_band_on_a_step_is_taken(number: str) -> None:
    assert not refused(PayBand(number=Decimal(number)))


def test_natural_keys_are_unique_in_the_database() -> None:
    developer = Ladder.objects.create(code="D", name="Developer")
    lead = Ladder.objects.create(code="TL", name="Tech Lead")
    aspect = LadderAspect.objects.create(ladder=developer, code="TECH", name="Technology")
    LadderLevel.objects.create(ladder=developer, aspect=aspect, level=1, stage="MID")
    assert refused(Ladder(code="D", name="Another"))
    assert refused(LadderAspect(ladder=developer, code="TECH", name="Another"))
    assert not refused(LadderAspect(ladder=lead, code="TECH", name="Technology"))
    assert refused(LadderLevel(ladder=developer, aspect=aspect, level=1, stage="MID", weight=2))
    assert not refused(LadderLevel(ladder=developer, aspect=aspect, level=1, stage="LATE"))


def test_a_person_has_one_event_of_a_type_a_day_and_an_event_one_snapshot() -> None:
    anna = User.objects.create_user("anna@example.org")
    event = event_of(anna)
    CompensationSnapshot.objects.create(user=anna, effective_date=DAY, source_event=event)
    assert refused(TimelineEvent(user=anna, event_type="PAY_CHANGE", effective_date=DAY))
    assert refused(CompensationSnapshot(user=anna, effective_date=DAY, source_event=event))


def test_a_person_with_a_history_cannot_be_deleted() -> None:
    anna = User.objects.create_user("anna@example.org")
    event_of(anna)
    with pytest.raises(models.ProtectedError):
        anna.delete()


def test_a_snapshot_goes_with_its_event() -> None:
    anna = User.objects.create_user("anna@example.org")
    event = event_of(anna)
    CompensationSnapshot.objects.create(user=anna, effective_date=DAY, source_event=event)
    event.delete()
    assert not CompensationSnapshot.objects.exists()


def test_a_role_becomes_vacant_when_its_holder_goes() -> None:
    anna = User.objects.create_user("anna@example.org")
    Organization.objects.create(name="Example", ceo=anna)
    anna.delete()
    assert Organization.objects.get().ceo is None


def test_a_department_stands_while_something_belongs_to_it() -> None:
    department = Department.objects.create(name="Engineering")
    Chapter.objects.create(name="Backend", department=department)
    with pytest.raises(models.ProtectedError):
        department.delete()
