"""Encryption with age: production holds public keys only, so it can write what it can't read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safe_import.errors import BackupError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SECRET = "AGE-SECRET-KEY-"  # noqa: S105 - how the line with a key begins


class Recipients:
    """Who will be able to read a backup."""

    def __init__(self, public_keys: Sequence[str]) -> None:
        age = _age()
        self.public_keys = list(public_keys)
        try:
            self._recipients = [age.x25519.Recipient.from_str(key) for key in public_keys]
        except age.RecipientError:
            raise SettingsError(
                'SAFE_IMPORT["BACKUP_RECIPIENTS"] holds something that is no age public key (age1...);'
                " age-keygen -o key.txt makes a pair"
            ) from None

    def seal(self, data: bytes) -> bytes:
        """Return ``data`` as one age file."""
        sealed: bytes = _age().encrypt(data, self._recipients)
        return sealed


class Identity:
    """The secret keys of somebody who may read backups."""

    def __init__(self, path: Path) -> None:
        """Read them from a file as age-keygen writes it.

        Raises:
            BackupError: the file can't be read, or holds no key.
        """
        age = _age()
        try:
            lines = path.read_text(encoding="ascii").splitlines()
            keys = [line.strip() for line in lines if line.startswith(_SECRET)]
            self._identities = [age.x25519.Identity.from_str(key) for key in keys]
        except (OSError, UnicodeDecodeError, age.IdentityError):
            self._identities = []
        if not self._identities:
            raise BackupError(f"--identity {path}: the file can't be read, or holds no key that age-keygen made")

    def open(self, data: bytes) -> bytes:
        """Return what was sealed; BackupError when none of the keys fits, or a byte was changed."""
        age = _age()
        try:
            opened: bytes = age.decrypt(data, self._identities)
        except age.DecryptError:
            raise BackupError(
                "the backup can't be decrypted with this identity: take the key of its recipients"
            ) from None
        return opened


def _age() -> Any:
    try:
        import pyrage  # noqa: PLC0415 - an extra that only encrypted backups need
    except ImportError:
        raise SettingsError("encrypted backups need pyrage: pip install 'safe_import[encryption]'") from None
    return pyrage
