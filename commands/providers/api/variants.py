"""The mapping file: which names of the API are one provider here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.errors import SourceError, UsageError
from safe_import.sources.input_file import InputFile
from safe_import.sources.yaml import yaml_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def read_variants(path: Path | None) -> Mapping[str, str]:
    """Return {name of the API: name here} from a YAML (or JSON) file ``provider: [variant, variant ...]``.

    Raises:
        UsageError: it can't be read, is no such mapping, or names a variant twice.
    """
    if path is None:
        return {}
    try:
        joined = yaml_mapping(InputFile(path))
    except SourceError as error:
        raise UsageError(f"the mapping file: {error}") from error
    found: dict[str, str] = {}
    for provider, variants in joined.items():
        if not isinstance(variants, list) or not all(isinstance(name, str) and name.strip() for name in variants):
            raise UsageError(f"the mapping file {path.name}: {provider!r} needs a list of the names of the API")
        for variant in variants:
            if found.setdefault(variant.strip(), provider) != provider:
                raise UsageError(f"the mapping file {path.name}: {variant!r} stands under two providers; keep one")
    return found
