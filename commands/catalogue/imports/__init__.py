"""The import of the app catalogue: extract, transform, load, each of which can be called alone."""

from commands.catalogue.imports.extract import extract
from commands.catalogue.imports.load import load, open_catalogue
from commands.catalogue.imports.spec import CatalogueImport
from commands.catalogue.imports.transform import transform

__all__ = ["CatalogueImport", "extract", "load", "open_catalogue", "transform"]
