"""What a row of the catalogue looks like. The headers are the names that the file gives its values."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from commands.catalogue.imports.transform import CATEGORY_COLUMN, REMARKS_COLUMN
from commands.catalogue.models import MAX_RATING, NAME_LENGTH, SHORT_LENGTH, URL_LENGTH
from safe_import.spec.row import Row
from safe_import.types import Integer, Invalid, Number, Text

Name = Annotated[Text, Field(max_length=NAME_LENGTH)]
Short = Annotated[Text, Field(max_length=SHORT_LENGTH)]
Address = Annotated[Text, Field(max_length=URL_LENGTH)]


def _list_of(kind: type) -> BeforeValidator:
    """Accept a list of texts, or of the objects that ``transform`` makes of texts."""

    def judge(value: object) -> object:
        if not isinstance(value, list | tuple) or not all(isinstance(each, kind) for each in value):
            raise Invalid("not_a_list", "a list of texts is expected")
        return value

    return BeforeValidator(judge)


class _Part(BaseModel):
    """A part of a cell."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)


class CategoryPart(_Part):
    """A category that an app is in; name and icon where the file defines it."""

    slug: Annotated[Text, Field(min_length=1, max_length=64)]
    name: Name | None = None
    icon: Text | None = None


Categories = Annotated[tuple[CategoryPart, ...], _list_of(dict)]
Screenshots = Annotated[tuple[Address, ...], _list_of(str)]


class FileRemarks(_Part):
    """What there is to say of the file as a whole: lines of definitions, and the ids of all its apps."""

    unused: list[int]
    doubled: list[int]
    apps: list[str]


class AppRow(Row):
    """An app, and its developer as this app knows it."""

    id: Text = Field(validation_alias="id", max_length=100)
    name_ar: Name = Field(validation_alias="Name_Ar")
    name_en: Name = Field(validation_alias="Name_En")
    short_description_ar: Short | None = Field(None, validation_alias="Short_Description_Ar")
    short_description_en: Short | None = Field(None, validation_alias="Short_Description_En")
    description_ar: Text | None = Field(None, validation_alias="Description_Ar")
    description_en: Text | None = Field(None, validation_alias="Description_En")
    status: Text | None = Field(None, validation_alias="status", max_length=32)
    sort: Integer | None = Field(None, validation_alias="sort", ge=0, le=2**31 - 1)
    rating: Number | None = Field(
        None, validation_alias="Apps_Avg_Rating", ge=0, le=MAX_RATING, max_digits=3, decimal_places=2
    )
    categories: Categories | None = Field(None, validation_alias=CATEGORY_COLUMN)
    screenshots_ar: Screenshots | None = Field(None, validation_alias="screenshots_ar")
    screenshots_en: Screenshots | None = Field(None, validation_alias="screenshots_en")
    main_image_ar: Address | None = Field(None, validation_alias="mainImage_ar")
    main_image_en: Address | None = Field(None, validation_alias="mainImage_en")
    icon: Address | None = Field(None, validation_alias="applicationIcon")
    google_play: Address | None = Field(None, validation_alias="Google_Play_Link")
    app_store: Address | None = Field(None, validation_alias="AppStore_Link")
    app_gallery: Address | None = Field(None, validation_alias="App_Gallery_Link")
    developer: Name = Field(validation_alias="Developer_Name_En")
    developer_name_ar: Name | None = Field(None, validation_alias="Developer_Name_Ar")
    developer_website: Address | None = Field(None, validation_alias="Developer_Website")
    developer_logo: Address | None = Field(None, validation_alias="Developer_Logo")
    remarks_on_file: FileRemarks | None = Field(None, validation_alias=REMARKS_COLUMN)
