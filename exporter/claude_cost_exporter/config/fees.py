"""Fixed fees, prepaid credit and models to compare: `subscriptions` and their like (floor 1)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct

from claude_cost_exporter import plans
from claude_cost_exporter.config.problems import (
    Problem,
    wrong_account,
    wrong_name,
    wrong_provider,
    wrong_usd,
)
from claude_cost_exporter.records import NONE, model_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_cost_exporter.config.problems import Surroundings

MOST_SEATS = 1_000_000


class Subscription(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A fee that does not depend on usage."""

    provider: Annotated[
        str,
        Meta(description="Who is paid, the value of the label provider.", examples=["anthropic"]),
    ]
    account: Annotated[
        str | None,
        Meta(
            description="The account of sources that it is shown with. Without one: none.",
            examples=["acme"],
        ),
    ] = None
    plan: Annotated[
        str, Meta(description="Name of the plan, the value of the label plan.", examples=["team"])
    ]
    seats: Annotated[
        int,
        Meta(description="How many times the price is paid.", examples=[25], ge=1, le=MOST_SEATS),
    ] = 1
    price_usd: Annotated[
        Decimal,
        Meta(description="What one seat costs in USD per interval, before tax.", examples=[30]),
    ]
    interval: Annotated[
        Literal["monthly", "yearly"],
        Meta(
            description="What the price is for. A year counts as twelve equal months; within a "
            "month each day counts the same.",
            examples=["yearly"],
        ),
    ] = "monthly"
    start: Annotated[
        date | None,
        Meta(
            description="First day that is paid for, in the time zone. Without one: from ever.",
            examples=["2026-11-01"],
        ),
    ] = None
    end: Annotated[
        date | None,
        Meta(
            description="Last day that is paid for. Without one: for ever. A new price is a "
            "subscription of its own that starts on the day after.",
            examples=["2027-10-31"],
        ),
    ] = None

    def problems(self, around: Surroundings) -> Iterator[Problem]:
        """Yield what is wrong."""
        if wrong := wrong_provider(self.provider, around):
            yield Problem(("provider",), wrong)
        if wrong := wrong_name(self.plan, "team"):
            yield Problem(("plan",), wrong)
        if wrong := wrong_usd(self.price_usd):
            yield Problem(("price_usd",), wrong)
        if self.start and self.end and self.end < self.start:
            sentence = f"{self.end} is before the start, {self.start}; it is the last day"
            yield Problem(("end", "start"), sentence)
        if self.account is None:
            return
        if wrong := wrong_account(self.account, around):
            yield Problem(("account",), wrong)
        elif (owner := around.owners.get(self.account)) not in (None, self.provider):
            sentence = f"{self.account} is an account of {owner}, not of {self.provider}"
            yield Problem(("account", "provider"), sentence)

    def plan_of(self) -> plans.Subscription:
        """Return it as views read it."""
        return plans.Subscription(
            self.provider,
            self.account or NONE,
            self.plan,
            self.seats * plans.nano(self.price_usd),
            plans.MONTHS_OF_A_YEAR if self.interval == "yearly" else 1,
            self.start,
            self.end and self.end + timedelta(days=1),
        )


class TopUp(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Credit that was paid in advance. The first one may be the balance of the day."""

    account: Annotated[str, Meta(description="The account of sources.", examples=["acme"])]
    date: Annotated[
        date,
        Meta(
            description="Day of the payment, in the time zone of the whole file. What is spent "
            "from the first one's day on lessens the balance.",
            examples=["2026-11-01"],
        ),
    ]
    amount_usd: Annotated[Decimal, Meta(description="Credit in USD.", examples=[500])]

    def problems(self, around: Surroundings) -> Iterator[Problem]:
        """Yield what is wrong."""
        if wrong := wrong_account(self.account, around):
            yield Problem(("account",), wrong)
        if wrong := wrong_usd(self.amount_usd):
            yield Problem(("amount_usd",), wrong)

    def plan_of(self) -> plans.TopUp:
        """Return it as views read it."""
        return plans.TopUp(self.account, self.date, plans.nano(self.amount_usd))


class ModelPair(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Two models: what the tokens of one would have cost on the other."""

    from_model: Annotated[
        str, Meta(description="The model that was used.", examples=["claude-opus-5"])
    ]
    to_model: Annotated[
        str,
        Meta(
            description="The model whose rates shall be applied; the list or an override must "
            "have its price.",
            examples=["claude-sonnet-5"],
        ),
    ]

    def problems(self, around: Surroundings) -> Iterator[Problem]:
        """Yield what is wrong."""
        del around
        if model_label(self.from_model) == model_label(self.to_model):
            sentence = f"{self.to_model} is the model that was used; name another one"
            yield Problem(("to_model", "from_model"), sentence)

    def plan_of(self) -> plans.ModelPair:
        """Return it as views read it."""
        return plans.ModelPair(model_label(self.from_model), model_label(self.to_model))
