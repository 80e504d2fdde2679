"""The Django app of the blog."""

from django.apps import AppConfig


class LegacyBlogConfig(AppConfig):
    """Models of a blog, and the migrations that bring the data of its predecessor."""

    name = "commands.legacy_blog"
    label = "legacy_blog"
    verbose_name = "Blog"
