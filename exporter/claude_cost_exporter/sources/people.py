"""What users are called outside of the provider (floor 2).

A name is personal data. Unless it may be shown, only its keyed hash (BLAKE2b) leaves the source:
a name has the same hash for as long as there is the ledger, which holds the key, and without the
key nobody can find out by trying whose hash it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from secrets import token_hex
from typing import TYPE_CHECKING, Self

from claude_cost_exporter.records import NONE, label_value

if TYPE_CHECKING:
    from claude_cost_exporter.sources.base import Notebook

SALT = "salt of people's names"
SALT_BYTES = 32
HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class People:
    """Calls users by their names, or by hashes of them."""

    salt: bytes = field(repr=False)
    shown: bool

    @classmethod
    def known_to(cls, notebook: Notebook, *, shown: bool) -> Self:
        """Return them with the salt of the account, which is made once."""
        salt = notebook.get(SALT)
        if salt is None:
            salt = token_hex(SALT_BYTES)
            notebook.set(SALT, salt)
        return cls(bytes.fromhex(salt), shown)

    def call(self, kind: str, name: str | None) -> str:
        """Return the label of a user of a `kind` (user, api_key) with a name."""
        if not name:
            return NONE
        if self.shown:
            return label_value(name if kind == "user" else f"{kind}:{name}") or NONE
        digest = blake2b(f"{kind}:{name}".encode(), key=self.salt, digest_size=HASH_BYTES)
        return f"{kind}_{digest.hexdigest()}"
