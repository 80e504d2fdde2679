"""What a spec is made of. Everything that a declaration needs can be imported from here."""

from safe_import.spec.import_spec import ImportSpec, NoOptions
from safe_import.spec.key import Key
from safe_import.spec.link import Link, Through, own
from safe_import.spec.lookup import Lookup
from safe_import.spec.row import Row
from safe_import.spec.target import target

__all__ = ["ImportSpec", "Key", "Link", "Lookup", "NoOptions", "Row", "Through", "own", "target"]
