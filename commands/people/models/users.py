"""The person, who is also the account that logs in."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.db.models.lookups import Exact


class UserManager(BaseUserManager["User"]):
    """Creates accounts and finds them by e-mail, in whatever case the address is written."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user with this address. Both sides are folded by the database, as its constraint does."""
        return self.get(Exact(Lower("email"), Lower(models.Value(username))))

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user; without a password the account can't log in."""
        # The address stays as it is written: normalize_email() would change the case of its domain.
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user who may do everything."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Where they belong may become unknown (SET_NULL); the person stays."""

    # "unique" is what Django's auth asks of a login; the constraint below is what keeps out a second spelling.
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=256, blank=True)
    gmail = models.EmailField(blank=True)
    phone = models.CharField(max_length=64, blank=True)
    organization = models.ForeignKey("Organization", models.SET_NULL, null=True, blank=True, related_name="users")
    department = models.ForeignKey("Department", models.SET_NULL, null=True, blank=True, related_name="users")
    chapter = models.ForeignKey("Chapter", models.SET_NULL, null=True, blank=True, related_name="users")
    team = models.ForeignKey("Team", models.SET_NULL, null=True, blank=True, related_name="users")
    leader = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="reports")
    agile_coach = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="coached")
    is_placeholder = models.BooleanField(
        default=False, help_text="Created because another record named the address; nothing else is known yet."
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique_without_case",
                violation_error_message="A user with this address exists already, perhaps in another case.",
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email
