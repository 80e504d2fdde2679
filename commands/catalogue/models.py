"""Apps with their developers, categories and screenshots. Texts for people are there in Arabic and in English."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

NAME_LENGTH = 200
SHORT_LENGTH = 300
URL_LENGTH = 500
MAX_RATING = 5


class Developer(models.Model):
    """Who makes apps."""

    name_en = models.CharField(max_length=NAME_LENGTH, unique=True)
    name_ar = models.CharField(max_length=NAME_LENGTH, blank=True)
    website = models.URLField(max_length=URL_LENGTH, blank=True)
    logo = models.URLField(max_length=URL_LENGTH, blank=True)

    def __str__(self) -> str:
        return self.name_en


class Category(models.Model):
    """What apps are about, such as "tafsir"."""

    slug = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    icon = models.TextField(blank=True, help_text="SVG.")

    class Meta:
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name or self.slug


class App(models.Model):
    """An app; its id is that of the file."""

    id = models.CharField(max_length=100, primary_key=True)
    name_ar = models.CharField(max_length=NAME_LENGTH)
    name_en = models.CharField(max_length=NAME_LENGTH)
    short_description_ar = models.CharField(max_length=SHORT_LENGTH, blank=True)
    short_description_en = models.CharField(max_length=SHORT_LENGTH, blank=True)
    description_ar = models.TextField(blank=True)
    description_en = models.TextField(blank=True)
    status = models.CharField(max_length=32, blank=True)
    sort = models.PositiveIntegerField(default=0)
    rating = models.DecimalField(
        max_digits=3,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(MAX_RATING)],
    )
    developer = models.ForeignKey(Developer, models.PROTECT, related_name="apps")
    categories = models.ManyToManyField(Category, related_name="apps", blank=True)
    icon = models.URLField(max_length=URL_LENGTH, blank=True)
    main_image_ar = models.URLField(max_length=URL_LENGTH, blank=True)
    main_image_en = models.URLField(max_length=URL_LENGTH, blank=True)
    google_play = models.URLField(max_length=URL_LENGTH, blank=True)
    app_store = models.URLField(max_length=URL_LENGTH, blank=True)
    app_gallery = models.URLField(max_length=URL_LENGTH, blank=True)

    class Meta:
        ordering = ["sort", "id"]

    def __str__(self) -> str:
        return self.name_en


class Language(models.TextChoices):
    """The language that a screenshot shows."""

    ARABIC = "ar", "Arabic"
    ENGLISH = "en", "English"


class Screenshot(models.Model):
    """A picture of an app. Positions count from 1 in each language."""

    app = models.ForeignKey(App, models.CASCADE, related_name="screenshots")
    language = models.CharField(max_length=2, choices=Language)
    position = models.PositiveSmallIntegerField()
    url = models.URLField(max_length=URL_LENGTH)

    class Meta:
        ordering = ["app", "language", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["app", "language", "url"], name="screenshot_once_in_language")]

    def __str__(self) -> str:
        return f"{self.language} {self.position}"
