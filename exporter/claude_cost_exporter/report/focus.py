"""Cost and usage in the columns of FOCUS 1.2, the FinOps Foundation's specification (floor 4).

One row is one UTC day, one line of the bill, one workspace and API key, and one price. What this
exporter cannot know is null. https://focus.finops.org/focus-specification/v1-2/ (2026-11-25)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from claude_cost_exporter.calendars import next_month
from claude_cost_exporter.clock import DAY
from claude_cost_exporter.records import NONE, Tokens
from claude_cost_exporter.report.cells import exact_usd, write_csv
from claude_cost_exporter.report.pieces import SEARCHES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date
    from typing import TextIO

    from claude_cost_exporter.pricing.rates import Rates
    from claude_cost_exporter.records import Dimensions
    from claude_cost_exporter.report.pieces import Piece
    from claude_cost_exporter.snapshot import AccountState, ApiKeyName, Snapshot, WorkspaceName

    ListRates = Callable[[Dimensions, date], Rates]

COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency",
    "ChargePeriodEnd", "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ContractedCost",
    "ContractedUnitPrice", "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost",
    "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName",
    "PublisherName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName",
    "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId",
    "SubAccountName", "Tags", "x_CostBasis",
)  # fmt: skip
PRICED_TOKENS = 1_000_000
PRICE_DETAILS = {
    "x_ServiceTier": "service_tier",
    "x_ContextWindow": "context_window",
    "x_InferenceGeo": "inference_geo",
    "x_Speed": "speed",
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Directory:
    """Who the ids are, and what the price list says."""

    accounts: Mapping[str, AccountState]
    workspaces: Mapping[tuple[str, str], WorkspaceName]
    api_keys: Mapping[tuple[str, str], ApiKeyName]
    list_rates: ListRates


def directory(snapshot: Snapshot, list_rates: ListRates) -> Directory:
    """Return who the ids of a snapshot are."""
    return Directory(
        {one.account: one for one in snapshot.accounts},
        {(one.account, one.workspace_id): one for one in snapshot.workspaces},
        {(one.account, one.api_key_id): one for one in snapshot.api_keys},
        list_rates,
    )


def write_focus(found: Iterable[Piece], known: Directory, out: TextIO) -> None:
    """Write the rows as CSV; nulls are empty."""
    rows = (_row(one, known) for one in found)
    write_csv(out, COLUMNS, ([row.get(name) for name in COLUMNS] for row in rows))


def _row(piece: Piece, known: Directory) -> Row:
    cost = exact_usd(piece.cost)
    return {
        **_period(piece.day),
        **_charge(piece),
        **_account(piece, known),
        **_who(piece, known),
        "BilledCost": cost,
        "ContractedCost": cost,
        "EffectiveCost": cost,
        "ListCost": cost,
        **_price(piece, known),
        "x_CostBasis": "billed" if piece.is_billed else "estimated",
    }


def _period(day: date) -> Row:
    first = day.replace(day=1)
    return {
        "BillingPeriodStart": _midnight(first),
        "BillingPeriodEnd": _midnight(next_month(first)),
        "ChargePeriodStart": _midnight(day),
        "ChargePeriodEnd": _midnight(day + DAY),
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _charge(piece: Piece) -> Row:
    sku = _sku(piece)
    return {
        "ChargeCategory": "Usage",
        "ChargeDescription": sku.replace("/", ", ").replace("_", " "),
        "ChargeFrequency": "Usage-Based",
        "BillingCurrency": "USD",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Generative AI",
        "ServiceName": "Claude API",
        "SkuId": sku,
        "SkuMeter": sku.rpartition("/")[2],
        "PricingCategory": "Standard",
    }


def _sku(piece: Piece) -> str:
    """Return what is sold: a kind of tokens of a model, or what is sold without tokens."""
    model, cost_type, token_type = piece.line
    return "/".join(one for one in (model, token_type) if one != NONE) or cost_type


def _account(piece: Piece, known: Directory) -> Row:
    account = known.accounts[piece.account]
    seller = account.provider.capitalize()
    return {
        "BillingAccountId": account.organization_id or account.account,
        "BillingAccountName": account.organization_name or account.account,
        "ProviderName": seller,
        "PublisherName": seller,
        "InvoiceIssuerName": seller,
    }


def _who(piece: Piece, known: Directory) -> Row:
    if (dimensions := piece.part.dimensions) is None:
        return {}
    workspace = known.workspaces.get((piece.account, dimensions.workspace_id))
    row: Row = {
        "SubAccountId": dimensions.workspace_id,
        "SubAccountName": workspace.name if workspace else None,
        "Tags": json.dumps({"team": workspace.team}) if workspace and workspace.team else None,
    }
    if dimensions.api_key_id != NONE:
        key = known.api_keys.get((piece.account, dimensions.api_key_id))
        row["ResourceId"] = dimensions.api_key_id
        row["ResourceName"] = key.name if key else None
        row["ResourceType"] = "API key"
    return row


def _price(piece: Piece, known: Directory) -> Row:
    """Return quantities, and the list price where all that it depends on is known."""
    part = piece.part
    if part.quantity is None:
        return {}
    is_search = piece.line == SEARCHES
    quantity = Decimal(part.quantity)
    row: Row = {
        "ConsumedQuantity": quantity,
        "ConsumedUnit": "Requests" if is_search else "Tokens",
        "PricingQuantity": quantity if is_search else quantity / PRICED_TOKENS,
        "PricingUnit": "Requests" if is_search else f"{PRICED_TOKENS} Tokens",
    }
    if part.dimensions is None:
        return row
    price = _list_price(piece, part.dimensions, known)
    if price is not None:
        row |= {"ListUnitPrice": price, "ListCost": price * row["PricingQuantity"]}
    return row | _price_name(piece, part.dimensions)


def _price_name(piece: Piece, dimensions: Dimensions) -> Row:
    """Return what the price of a kind of tokens depends on; a search has one price."""
    if piece.line == SEARCHES:
        return {"SkuPriceId": _sku(piece)}
    details = {key: getattr(dimensions, name) for key, name in PRICE_DETAILS.items()}
    details = {key: value for key, value in details.items() if value}
    return {
        "SkuPriceId": "/".join((_sku(piece), *details.values())),
        "SkuPriceDetails": json.dumps(details),
    }


def _list_price(piece: Piece, dimensions: Dimensions, known: Directory) -> Decimal | None:
    """Return the list price of one unit in USD."""
    rates = known.list_rates(dimensions, piece.day)
    if piece.line == SEARCHES:
        return exact_usd(rates.per_web_search)
    index = Tokens._fields.index(piece.line.token_type)
    return exact_usd(rates.per_million[index]) if rates.per_million else None
