"""The blog as it is now."""

from __future__ import annotations

from django.db import models


class Author(models.Model):
    """Who writes posts and comments."""

    username = models.CharField(max_length=100, unique=True)
    firstname = models.CharField(max_length=100)
    lastname = models.CharField(max_length=100)
    email = models.EmailField(max_length=75, blank=True)

    def __str__(self) -> str:
        return self.username


class Comment(models.Model):
    """What somebody, or nobody in particular, said of a post."""

    message = models.TextField()
    author = models.ForeignKey(Author, models.PROTECT, null=True, blank=True, related_name="comments")
    posted = models.DateTimeField(db_index=True, auto_now_add=True)

    def __str__(self) -> str:
        return f"Comment {self.pk}"


class Post(models.Model):
    """An article."""

    title = models.CharField(max_length=100, unique=True)
    body = models.TextField()
    posted = models.DateTimeField(db_index=True, auto_now_add=True)
    author = models.ForeignKey(Author, models.PROTECT, related_name="posts")
    comments = models.ManyToManyField(Comment, related_name="posts", blank=True)

    def __str__(self) -> str:
        return self.title
