"""Which concrete classes make an exporter; the only place besides `serve` that knows them."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

import structlog

from claude_cost_exporter.calendars import WEEK
from claude_cost_exporter.cli.price_problems import price_problems
from claude_cost_exporter.clock import SystemClock
from claude_cost_exporter.config.load import default_document, draft
from claude_cost_exporter.config.places import default_ledger_url, status_file
from claude_cost_exporter.errors import (
    ConfigError,
    LedgerError,
    LedgerLockedError,
    OrganizationError,
    SourceError,
    StoppedError,
)
from claude_cost_exporter.ingest import AccountPoller
from claude_cost_exporter.learning import PriceLearner
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.ledger.opening import sqlite_path
from claude_cost_exporter.ledger.reprice import RepricingLedger
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.metrics.publisher import Publisher
from claude_cost_exporter.metrics.self_metrics import SelfMetrics
from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.pricing.carry import carry_learned
from claude_cost_exporter.pricing.history import PriceHistory
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.report.status_file import StatusFile
from claude_cost_exporter.sources.anthropic import AnthropicAccount, AnthropicConfig, read_key
from claude_cost_exporter.web.status import status_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.config.load import Loaded
    from claude_cost_exporter.config.model import Config
    from claude_cost_exporter.ledger.base import Ledger, StoredBook
    from claude_cost_exporter.samples import Sample
    from claude_cost_exporter.snapshot import Snapshot
    from claude_cost_exporter.sources.findings import Probe
    from claude_cost_exporter.sources.http import Transport

SOURCE_TYPES = {"anthropic": AnthropicConfig}


def load_config(
    path: Path | None, environment: Mapping[str, str] = os.environ, *, keys: bool = True
) -> Loaded:
    """Return the checked configuration of a file, or of the environment without one.

    Without `keys` it does not matter whether the keys can be read: the ledger needs none.
    """
    if path is None:
        text = default_document(environment)
    else:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            cause = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ConfigError([f"--config.file={path}: {cause}"]) from None
    found = draft(text, SOURCE_TYPES, Override)
    for where, source in found.sources.items() if keys else ():
        found.add(where, source.key_problems(environment))
    found.problems += price_problems(found)
    return found.checked()


def ledger_url(loaded: Loaded, environment: Mapping[str, str] = os.environ) -> str:
    """Return where the ledger is."""
    return loaded.config.ledger.url or default_ledger_url(environment)


def current_book(
    stored: Sequence[StoredBook], overrides: Sequence[Override], now: datetime
) -> PriceBook:
    """Return the packaged prices with the user's overrides and what the ledger has learned."""
    book = PriceBook.packaged().with_overrides(overrides)
    if not stored:
        return book
    return carry_learned(PriceBook.from_document(stored[-1].document), book, now.date())


def accept_prices(ledger: Ledger, overrides: Sequence[Override], now: datetime) -> PriceHistory:
    """Put the current book in force; return it with those that were in force before."""
    ledger.accept_book(current_book(ledger.books(), overrides, now).document(), now)
    return PriceHistory(
        [(one.accepted_at, PriceBook.from_document(one.document)) for one in ledger.books()]
    )


@contextmanager
def open_for_repricing(
    loaded: Loaded, clock: Clock, environment: Mapping[str, str] = os.environ
) -> Iterator[tuple[RepricingLedger, PriceBook]]:
    """Open an existing ledger that no exporter holds, with the prices that serve would use."""
    url = ledger_url(loaded, environment)
    path = sqlite_path(url)
    if path and not path.exists():
        raise LedgerError(f"there is no ledger {path}: name the exporter's with ledger.url")
    try:
        ledger = RepricingLedger(url, ledger_settings(loaded.config), clock)
    except LedgerLockedError as error:
        held = str(error).partition(";")[0]
        raise LedgerLockedError(f"{held}; stop it, reprice, and start it again") from None
    try:
        yield ledger, current_book(ledger.books(), loaded.overrides, clock.now())
    finally:
        ledger.close()


def ledger_settings(config: Config) -> Settings:
    """Return what the ledger must know of a configuration."""
    return Settings(
        time_zone=config.time_zone,
        week_start=WEEK.index(config.week_start),
        new_series_hold=config.hold(),
        series_cap=config.series_cap,
        budgeted=frozenset(one.scope_type for one in config.budgets),
    )


class _Unobserved:
    """Where nobody counts requests and unknown fields."""

    def request_finished(self, endpoint: str, status: str, seconds: float) -> None:
        """Do nothing."""

    def unknown_field(self, source: str, field: str) -> None:
        """Do nothing."""


class _BlankNotebook:
    """Where nothing was written down, and nothing will be."""

    def get(self, name: str) -> None:
        """Return nothing."""

    def set(self, name: str, value: str) -> None:
        """Do nothing."""

    def read_to(self, source: str) -> None:
        """Return nothing."""


@contextmanager
def opened_probe(
    block: AnthropicConfig, environment: Mapping[str, str] = os.environ
) -> Iterator[Probe]:
    """Lend what asks an account's API about itself. It knows no ledger."""
    nobody = _Unobserved()
    account = AnthropicAccount(
        block,
        read_key(block, environment),
        clock=SystemClock(),
        stop=Event(),
        requests=nobody,
        fields=nobody,
        notebook=_BlankNotebook(),
    )
    with closing(account.client):
        yield account.probe()


def _identify(poller: AccountPoller, failures: list[Exception]) -> None:
    """Ask once whose an account is; what a poll can try again does not end the program."""
    try:
        poller.identify(once=True)
    except StoppedError:
        return
    except OrganizationError as error:
        failures.append(error)
    except (SourceError, LedgerError) as error:
        structlog.get_logger().warning(
            "the organisation is not known yet", account=poller.account, error=str(error)
        )
    except Exception as error:  # noqa: BLE001 - raised again where it ends the program
        failures.append(error)


class Exporter:
    """Everything that runs, built from a configuration."""

    def __init__(  # noqa: PLR0913 - what tests and the demo replace
        self,
        loaded: Loaded,
        *,
        clock: Clock,
        stop: Event,
        environment: Mapping[str, str] = os.environ,
        transport: Transport | None = None,
        simulated: bool = False,
    ) -> None:
        config = loaded.config
        self.clock, self.stop, self.simulated = clock, stop, simulated
        self.metrics = SelfMetrics(simulated=simulated)
        secrets = [read_key(block, environment) for block in loaded.sources]
        self.ledger_url = ledger_url(loaded, environment)
        self.ledger = SqlLedger(self.ledger_url, ledger_settings(config), clock)
        self._status_file = StatusFile(
            status_file(config.status_file, self.ledger_url, environment), simulated=simulated
        )
        self.prices = accept_prices(self.ledger, loaded.overrides, clock.now())
        self._learner = PriceLearner(self.ledger, self.prices)
        self.accounts: list[AnthropicAccount] = []
        self.pollers: list[AccountPoller] = []
        for block, secret in zip(loaded.sources, secrets, strict=True):
            self._add(block, AnthropicAccount(
                block,
                secret,
                clock=clock,
                stop=stop,
                requests=self.metrics.request_observer(block.account),
                fields=self.metrics,
                notebook=self.ledger.notebook(block.account),
                transport=transport,
            ))  # fmt: skip
        parts = (self.ledger, self.pollers, self.prices, config.plans(), self.metrics, clock)
        self.publisher = Publisher(*parts, self._status_page)

    def _add(self, block: AnthropicConfig, account: AnthropicAccount) -> None:
        self.ledger.register(block.account, account.provider)
        users = block.claude_code
        self.ledger.coding.name_users(block.account, users.users, users.max_users)
        self.metrics.watch_budget(block.account, account.limiter.per_minute)
        self.accounts.append(account)
        self.pollers.append(AccountPoller(
            block.account,
            account.provider,
            lambda: account.sources,
            whose=account.whose,
            ledger=self.ledger,
            prices=self.prices,
            clock=self.clock,
            observer=self.metrics,
            poll_interval=block.poll_interval,
            history=block.history,
            changed=self._publish,
            billed=self._learner.billed,
        ))  # fmt: skip

    def identify(self) -> None:
        """Refuse, before anything is polled, two accounts that are one organisation.

        Whom the API does not answer now, the poller asks before it counts any usage.
        """
        if len(self.ledger.owners()) < 2:  # noqa: PLR2004 - one account cannot be two
            return
        failures: list[Exception] = []
        asking = [
            Thread(target=_identify, args=(poller, failures), daemon=True)
            for poller in self.pollers
        ]  # a pool would hold up the end of the program until the slowest answer
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        if failures:
            raise failures[0]

    def _publish(self) -> None:
        self.publisher.publish()  # the publisher is made after its pollers

    def _status_page(self, snapshot: Snapshot, samples: Sequence[Sample], now: datetime) -> bytes:
        """Return the page; what the command `status` reads is written on the way."""
        self._status_file.offer(snapshot, samples, now)
        return status_page(snapshot, samples, now, simulated=self.simulated)

    def close(self) -> None:
        """Close connections and the ledger."""
        for account in self.accounts:
            account.client.close()
        try:
            self.ledger.close()
        except OSError as error:
            raise LedgerError(f"closing the ledger: {error}") from error
