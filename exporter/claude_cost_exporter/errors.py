"""Every exception this package raises on purpose (floor 0, imports nothing of ours).

* ExporterError
  x ConfigError          one or more problems in the configuration, each with its YAML path
  x PriceError           the price catalogue or an override contradicts itself
  x SourceError          a provider could not be read; `kind` is the label of the error metric
    + UnauthorizedError  401: the key is missing, wrong or expired
    + ForbiddenError     403: the key is valid, but may not read this
    + BadRequestError    400 and other 4xx: the request itself was refused
    + NotFoundError      404 / 410: the endpoint does not exist for this key
    + RateLimitedError   429 after every attempt
    + ServerError        5xx and 529 after every attempt
    + TransportError     timeouts, resets, refused connections after every attempt
    + BodyTooLargeError  an answer longer than the limit
    + ParseError         the body is not what the API documents; names the JSON path
    + PaginationError    pages that contradict themselves, or too many of them
    + ClockSkewError     this machine's clock and the provider's disagree
    + OrganizationError  the key's organisation is another account's, too
      | OtherOrganizationError  the key's organisation is not the one that the account had before
    + StoppedError       the exporter is shutting down; nothing is wrong with the source
  x LedgerError          the ledger could not be read or written
    + LedgerLockedError  another exporter holds the ledger
    + LedgerCorruptError the file is not a ledger any more
  x BackfillError        the past could not be written for Prometheus

A message is a sentence that names the thing, the place and both values. It never holds a secret.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Sequence


class ExporterError(Exception):
    """Base of all errors that the command line prints without a traceback.

    `kind` is what the error metric calls it.
    """

    kind: ClassVar[str] = "internal"


class ConfigError(ExporterError):
    """The configuration has problems, all of them listed in `problems`, without any key."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = [re.sub(r"sk-ant-[\w-]+", "sk-ant-***", one) for one in problems]
        super().__init__("\n".join(self.problems))


class ContradictionError(ValueError):
    """Settings that contradict each other: each sentence with the keys that it is about.

    It is raised while a block is made, and a ValueError so that msgspec adds the path.
    """

    def __init__(self, found: Sequence[tuple[tuple[str, ...], str]]) -> None:
        self.found = found
        super().__init__("; ".join(sentence for _, sentence in found))


class PriceError(ExporterError):
    """The price catalogue or an override contradicts itself."""


class SourceError(ExporterError):
    """A provider could not be read."""

    kind = "source"
    status: int | None = None
    """The HTTP status that says so, when one does."""

    def saying(self, sentence: str) -> Self:
        """Return the same error with another sentence."""
        error = type(self)(sentence)
        error.status = self.status
        return error


class UnauthorizedError(SourceError):
    """401: the key is missing, wrong or expired."""

    kind = "unauthorized"


class ForbiddenError(SourceError):
    """403: the key is valid, but may not read this."""

    kind = "forbidden"


class BadRequestError(SourceError):
    """The request itself was refused (400 and the remaining 4xx)."""

    kind = "bad_request"


class NotFoundError(SourceError):
    """The endpoint does not exist for this key (404, 410)."""

    kind = "not_found"


class RateLimitedError(SourceError):
    """429 after every attempt."""

    kind = "rate_limited"


class ServerError(SourceError):
    """5xx and 529 after every attempt."""

    kind = "server_error"


class TransportError(SourceError):
    """Timeouts, resets and refused connections after every attempt."""

    kind = "transport"


class BodyTooLargeError(SourceError):
    """An answer longer than the client accepts."""

    kind = "body_too_large"


class ParseError(SourceError):
    """The body is not what the API documents; the message names the JSON path."""

    kind = "parse"


class PaginationError(SourceError):
    """Pages that contradict themselves, or more pages than the cap."""

    kind = "pagination"


class ClockSkewError(SourceError):
    """This machine's clock and the provider's disagree too much to count hours."""

    kind = "clock_skew"


class OrganizationError(SourceError):
    """The key's organisation is held by another account."""

    kind = "duplicate_organization"


class OtherOrganizationError(OrganizationError):
    """The key's organisation is not the one that the account had before."""

    kind = "other_organization"


class StoppedError(SourceError):
    """The exporter is shutting down; nothing is wrong with the source."""

    kind = "stopped"


class LedgerError(ExporterError):
    """The ledger could not be read or written."""

    kind = "ledger"


class LedgerLockedError(LedgerError):
    """Another exporter holds the ledger."""


class LedgerCorruptError(LedgerError):
    """The file is not a ledger any more."""

    def __init__(self, ledger: object, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the ledger {ledger} is corrupt: {reason}")


class BackfillError(ExporterError):
    """The past could not be written for Prometheus."""
