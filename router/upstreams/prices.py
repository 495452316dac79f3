"""List prices and context lengths from genai-prices: numbers kept by others. What it does not know stays unknown."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from genai_prices import data_snapshot

from action_model.prices import Price


@dataclass(frozen=True, slots=True)
class Listing:
    """What the price table says of a model. `family` is the table's own id for it."""

    price: Price
    context_tokens: int | None
    family: str


def find_listing(model: str, base_url: str | None = None) -> Listing | None:
    """The model's list price at the provider that serves `base_url`, else at whoever made it; None if unknown."""
    snapshot = data_snapshot.get_snapshot()
    name = model.rsplit("/", 1)[-1]
    for reference, url in ((model, base_url), (name, base_url), (model, None), (name, None)):
        try:
            _, info = snapshot.find_provider_model(reference, None, None, url)
        except LookupError:
            continue
        price = _price_of(info)
        if price is not None:
            return Listing(price, info.context_window, info.id)
    return None


def _price_of(info: Any) -> Price | None:
    prices = info.get_prices(datetime.now(UTC))
    if getattr(prices, "input_mtok", None) is None and getattr(prices, "output_mtok", None) is None:
        return None
    starts = {tier.start for value in vars(prices).values() for tier in getattr(value, "tiers", ())}
    tiers = tuple((start, _at(prices, start)) for start in sorted(starts))
    return replace(_at(prices, 0), tiers=tiers)


def _at(prices: Any, start: int) -> Price:
    """The prices that hold once the input is longer than `start` tokens."""
    return Price(
        input_usd_per_mtok=_usd(prices, "input_mtok", start) or 0.0,
        output_usd_per_mtok=_usd(prices, "output_mtok", start) or 0.0,
        cached_input_usd_per_mtok=_usd(prices, "cache_read_mtok", start),
        cache_write_usd_per_mtok=_usd(prices, "cache_write_mtok", start),
        audio_input_usd_per_mtok=_usd(prices, "input_audio_mtok", start),
        audio_output_usd_per_mtok=_usd(prices, "output_audio_mtok", start),
        usd_per_request=(_usd(prices, "requests_kcount", start) or 0.0) / 1000,
    )


def _usd(prices: Any, unit: str, start: int) -> float | None:
    value = getattr(prices, unit, None)
    if value is None:
        return None
    reached = [tier.price for tier in getattr(value, "tiers", ()) if tier.start <= start]
    return float(reached[-1] if reached else getattr(value, "base", value))
