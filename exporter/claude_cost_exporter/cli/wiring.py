"""Which concrete classes make an exporter; the only place besides `serve` that knows them."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

import structlog

from claude_cost_exporter.clock import SystemClock
from claude_cost_exporter.config.load import (
    WEEK,
    default_document,
    default_ledger_url,
    draft,
)
from claude_cost_exporter.errors import (
    ConfigError,
    LedgerError,
    OrganizationError,
    PriceError,
    SourceError,
    StoppedError,
)
from claude_cost_exporter.ingest import AccountPoller
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.metrics.publisher import Publisher
from claude_cost_exporter.metrics.self_metrics import SelfMetrics
from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.pricing.history import PriceHistory
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.sources.anthropic import AnthropicAccount, AnthropicConfig, read_key
from claude_cost_exporter.web.status import status_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.config.load import Loaded
    from claude_cost_exporter.config.model import Config
    from claude_cost_exporter.snapshot import Snapshot
    from claude_cost_exporter.sources.findings import Probe
    from claude_cost_exporter.sources.http import Transport

SOURCE_TYPES = {"anthropic": AnthropicConfig}


def load_config(path: Path | None, environment: Mapping[str, str] = os.environ) -> Loaded:
    """Return the checked configuration of a file, or of the environment without one."""
    if path is None:
        text = default_document(environment)
    else:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            cause = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ConfigError([f"--config.file={path}: {cause}"]) from None
    found = draft(text, SOURCE_TYPES, Override)
    for where, source in found.sources.items():
        found.add(where, source.key_problems(environment))
    found.problems += _unusable(found.overrides)
    return found.checked()


def _unusable(overrides: Mapping[str, Override]) -> Iterator[str]:
    """Yield the overrides that the list prices make meaningless, each by its YAML path."""
    book = PriceBook.packaged()
    for where, override in overrides.items():
        try:
            book.with_overrides([override])
        except PriceError as error:
            for sentence in str(error).splitlines():
                yield f"{where}: {sentence.replace('prices.overrides[0]', 'this override', 1)}"


def _settings(config: Config) -> Settings:
    return Settings(
        time_zone=config.time_zone,
        week_start=WEEK.index(config.week_start),
        new_series_hold=config.hold(),
        series_cap=config.series_cap,
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


def _identify(poller: AccountPoller, shared: list[OrganizationError]) -> None:
    try:
        poller.identify(once=True)
    except OrganizationError as error:
        shared.append(error)
    except StoppedError:
        return
    except SourceError as error:
        structlog.get_logger().warning(
            "the organisation is not known yet", account=poller.account, error=str(error)
        )


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
        self.metrics = SelfMetrics()
        secrets = [read_key(block, environment) for block in loaded.sources]
        self.ledger_url = config.ledger.url or default_ledger_url(environment)
        self.ledger = SqlLedger(self.ledger_url, _settings(config), clock.now())
        self.prices = self._accept_prices(loaded)
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
        self.publisher = Publisher(
            self.ledger, self.pollers, self.prices, self.metrics, clock, self._status_page
        )

    def _accept_prices(self, loaded: Loaded) -> PriceHistory:
        book = PriceBook.packaged().with_overrides(loaded.overrides)
        self.ledger.accept_book(book.document(), self.clock.now())
        stored = self.ledger.books()
        return PriceHistory(
            [(one.accepted_at, PriceBook.from_document(one.document)) for one in stored]
        )

    def _add(self, block: AnthropicConfig, account: AnthropicAccount) -> None:
        self.ledger.register(block.account, account.provider)
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
        ))  # fmt: skip

    def identify(self) -> None:
        """Refuse, before anything is polled, two accounts that are one organisation.

        Whom the API does not answer now, the poller asks before it counts any usage.
        """
        if len(self.ledger.owners()) < 2:  # noqa: PLR2004 - one account cannot be two
            return
        shared: list[OrganizationError] = []
        asking = [
            Thread(target=_identify, args=(poller, shared), daemon=True) for poller in self.pollers
        ]  # a pool would hold up the end of the program until the slowest answer
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        if shared:
            raise shared[0]

    def _publish(self) -> None:
        self.publisher.publish()  # the publisher is made after its pollers

    def _status_page(self, snapshot: Snapshot, now: datetime) -> bytes:
        return status_page(snapshot, now, simulated=self.simulated)

    def close(self) -> None:
        """Close connections and the ledger."""
        for account in self.accounts:
            account.client.close()
        try:
            self.ledger.close()
        except OSError as error:
            raise LedgerError(f"closing the ledger: {error}") from error
