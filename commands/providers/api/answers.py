"""The form that answers are expected to have. What has another one is an error, never an empty answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from commands.providers.api.client import RequestFailed


def _flag(value: object) -> object:
    return bool(value) if value in (0, 1) and isinstance(value, int) else value


def _no_empty_list(value: object) -> object:
    """Some languages write an empty mapping as an empty list."""
    return {} if value == [] else value


Flag = Annotated[StrictBool, BeforeValidator(_flag)]
Name = Annotated[StrictStr, Field(pattern=r"\S")]
Number = StrictInt | float | StrictStr
Texts = list[StrictStr] | None


class _Form(BaseModel):
    """What an answer has beside is of no interest: an API grows."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True)


class Details(_Form):
    """The details of a game."""

    rtp: Number | None = None
    volatility: Number | None = None
    features: Texts = None
    themes: Texts = None
    tags: Texts = None
    thumbnails: Annotated[dict[str, StrictStr], BeforeValidator(_no_empty_list)] | None = None


class GameAnswer(_Form):
    """A game, as the API has it."""

    id: StrictInt | Name
    title: StrictStr
    platform: StrictStr | None = None
    type: StrictStr | None = None
    subtype: StrictStr | None = None
    enabled: Flag
    fun_mode: Flag | None = None
    provider: StrictStr | None = None
    details: Annotated[Details, BeforeValidator(_no_empty_list)] | None = None

    def values(self) -> dict[str, Any]:
        """Return the columns of the row of this game, see ``commands.providers.imports.sync``."""
        details = self.details or Details()
        return {
            "game_id": str(self.id).strip(),
            "title": self.title,
            "platform": self.platform,
            "game_type": self.type,
            "subtype": self.subtype,
            "enabled": self.enabled,
            "fun_mode": self.fun_mode,
            "api_provider": self.provider,
            "thumbnail": _thumbnail(details.thumbnails or {}),
            **details.model_dump(include={"rtp", "volatility", "features", "themes", "tags"}),
        }


class _Providers(_Form):
    status: Literal["OK"]
    data: Annotated[list[Name], Field(min_length=1)]


class _Games(_Form):
    status: Literal["OK"]
    data: list[GameAnswer]


def providers_in(answer: Any) -> list[str]:
    """Return the names of an answer to ``providers``, each once, in its order.

    Raises:
        RequestFailed: it is not of the expected form, or has no name at all.
    """
    return list(dict.fromkeys(name.strip() for name in _judged(_Providers, answer).data))


def games_in(answer: Any) -> list[GameAnswer]:
    """Return the games of an answer to ``list``.

    Raises:
        RequestFailed: it is not of the expected form.
    """
    return _judged(_Games, answer).data


_F = TypeVar("_F", bound=_Form)


def _judged(form: type[_F], answer: Any) -> _F:
    try:
        return form.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        raise RequestFailed(
            f"the answer is not of the expected form: {place or 'as a whole'}: {first['msg']}"
        ) from None


def _thumbnail(addresses: dict[str, str]) -> str | None:
    """One of them: the first by its name, so that it is the same every time."""
    return addresses[min(addresses)] if addresses else None
