"""Create a superuser where there is none. No password is built in: one that is not given is made, and told once."""

from __future__ import annotations

import os
import secrets
import string
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connections

from safe_import.conf import conf
from safe_import.database import dialect
from safe_import.database.dialect import Timeouts
from safe_import.errors import Refused, UsageError
from safe_import.management.json_command import JsonCommand

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

_LOGIN, _NAME, _PASSWORD = (f"SAFE_IMPORT_ADMIN_{name}" for name in ("LOGIN", "NAME", "PASSWORD"))
_ALPHABET = string.ascii_letters + string.digits + "-_.+"
_LENGTH, _TRIES = 24, 100


class Command(JsonCommand):
    """Safe to run at every start, on several machines at once: one creates the account, the others do nothing."""

    help = "Create a superuser, unless there is one. A password that is not given is made, and printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--login", help=f"what the account logs in with; {_LOGIN} in the environment")
        parser.add_argument("--name", help=f"of the person; {_NAME} in the environment")
        parser.add_argument(
            "--password", help=f"better {_PASSWORD} in the environment: others on the machine see the command line"
        )

    def perform(self, options: dict[str, Any]) -> Mapping[str, Any]:
        """Look, and create, while nobody else can."""
        settings, database = conf(), dialect(connections[options["database"]])
        with database.writing(Timeouts(settings.LOCK_TIMEOUT, settings.STATEMENT_TIMEOUT)):
            database.lock_table(get_user_model())
            if get_user_model()._base_manager.using(options["database"]).filter(is_superuser=True).exists():
                self.say("There is a superuser already; nothing was changed.")
                return {"created": False}
            return self._create(options)

    def _create(self, options: dict[str, Any]) -> Mapping[str, Any]:
        login = options["login"] or os.environ.get(_LOGIN)
        if not login:
            raise UsageError(f"There is no superuser: say what it logs in with, by --login or {_LOGIN}.")
        user = _user(login, options["name"] or os.environ.get(_NAME), options["database"])
        given = options["password"] or os.environ.get(_PASSWORD)
        password = given or _made_for(user)
        _judge(user, password)
        user.set_password(password)
        user.save(using=options["database"], force_insert=True)
        # Told before the commit: a password that could not be told would lock everybody out.
        self.say(f"Superuser {login} created.{'' if given else ' Its password, which is shown this once:'}")
        if not given:
            self.say(password)
        answer = {"created": True, "login": login} | ({} if given else {"password": password})
        self.answer(answer)
        return answer


def _user(login: str, name: str | None, database: str) -> Any:
    """The account, not saved yet.

    Raises:
        Refused: an account of that name exists, which is not ours to promote, or the login is none.
    """
    model = get_user_model()
    if model._base_manager.using(database).filter(**{f"{model.USERNAME_FIELD}__iexact": login}).exists():
        raise Refused(f"An account {login!r} exists, and is no superuser. Name another login, or promote it by hand.")
    fields = {"name": name} if name and "name" in {field.name for field in model._meta.fields} else {}
    user = model(**{model.USERNAME_FIELD: login}, is_staff=True, is_superuser=True, **fields)
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        reasons = "; ".join(f"{field}: {' '.join(found)}" for field, found in error.message_dict.items())
        raise UsageError(f"No such account can be made: {reasons}") from None
    return user


def _judge(user: Any, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise UsageError(f"The password is not accepted: {' '.join(error.messages)}") from None


def _made_for(user: Any) -> str:
    """A random password that the validators of the project accept."""
    for _ in range(_TRIES):
        password = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        try:
            validate_password(password, user)
        except ValidationError:
            continue
        return password
    raise UsageError("No password could be made that AUTH_PASSWORD_VALIDATORS accept: give one.")
