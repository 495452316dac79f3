"""Prices of models: the operator's word over the price table's; what nobody knows is refused, never free."""

from typing import Any

import pytest

from action_model.prices import Price
from proxy.settings import UpstreamSettings
from proxy.specs import spec_of
from router.errors import UnknownModel
from router.upstreams.catalogue import Catalogue

LISTED = "gpt-5-mini"


def price_of(model: str, **said: Any) -> Price | None:
    upstream = {"name": "a", "base_url": "http://127.0.0.1:1/v1", "model": [{"name": model, **said}]}
    found = spec_of(UpstreamSettings.model_validate(upstream), {}).models
    return found[0].price if found else None


def listed() -> Price:
    price = price_of(LISTED)
    assert price is not None
    return price


def test_what_the_operator_says_is_all_there_is() -> None:
    assert price_of(LISTED, input_usd_per_mtok=3.0, output_usd_per_mtok=4.0) == Price(3.0, 4.0)


def test_a_price_that_is_said_alone_stands_beside_the_listed_ones() -> None:
    changed = price_of(LISTED, cached_input_usd_per_mtok=0.5, usd_per_request=0.01)
    assert changed is not None
    assert (changed.input_usd_per_mtok, changed.output_usd_per_mtok) == (
        listed().input_usd_per_mtok,
        listed().output_usd_per_mtok,
    )
    assert (changed.cached_input_usd_per_mtok, changed.usd_per_request) == (0.5, 0.01)


@pytest.mark.parametrize(
    ("said", "price"),
    [
        ({}, None),
        ({"input_usd_per_mtok": 1.0}, None),
        ({"cached_input_usd_per_mtok": 1.0}, None),
        ({"cached_input_usd_per_mtok": 1.0, "usd_per_request": 0.1}, Price(0.0, 0.0, 1.0, usd_per_request=0.1)),
        ({"usd_per_second": 0.002}, Price(0.0, 0.0, usd_per_second=0.002)),
        ({"input_usd_per_mtok": 0.0, "output_usd_per_mtok": 0.0}, Price(0.0, 0.0)),
    ],
)
def test_a_model_nobody_knows_is_served_only_with_a_whole_price(said: dict[str, float], price: Price | None) -> None:
    assert price_of("in-house-7", **said) == price


def test_an_embedded_model_is_free_unless_its_operator_says_what_it_costs() -> None:
    for said, price in (({}, Price(0.0, 0.0)), ({"usd_per_second": 0.01}, Price(0.0, 0.0, usd_per_second=0.01))):
        upstream = {"name": "own", "gguf": "/models/own.gguf", "model": [{"name": "own", **said}]}
        spec = spec_of(UpstreamSettings.model_validate(upstream), {"own": "http://127.0.0.1:1"})
        assert spec.models[0].price == price


def test_a_model_without_a_price_is_refused_with_a_word_on_how_to_set_it() -> None:
    upstream = {"name": "a", "base_url": "http://127.0.0.1:1/v1", "model": [{"name": "in-house-7"}]}
    spec = spec_of(UpstreamSettings.model_validate(upstream), {})
    catalogue = Catalogue(spec.models, {}, frozenset({*spec.unpriced, f"a/{spec.unpriced[0]}"}))
    for name in ("in-house-7", "a/in-house-7"):
        with pytest.raises(UnknownModel, match="input_usd_per_mtok"):
            catalogue.find(name)


@pytest.mark.parametrize(
    ("upstream", "model", "billions"),
    [
        ({"base_url": "http://127.0.0.1:1/v1"}, {"name": "small", "served_as": "smollm2-135m"}, 0.135),
        ({"base_url": "http://127.0.0.1:1/v1"}, {"name": "ours-7b", "parameters_billions": 3}, 3.0),
        ({"base_url": "http://127.0.0.1:1/v1"}, {"name": "ours"}, None),
        ({"gguf": "/models/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"}, {"name": "coder"}, 1.5),
        ({"builtin": "smollm2"}, {"name": "smollm2"}, 0.135),
    ],
)
def test_a_models_size_is_the_operators_word_or_read_from_its_names_and_file(
    upstream: dict[str, str], model: dict[str, Any], billions: float | None
) -> None:
    priced = {"input_usd_per_mtok": 0.0, "output_usd_per_mtok": 0.0, **model}
    spec = spec_of(UpstreamSettings.model_validate({"name": "a", **upstream, "model": [priced]}), {"a": "http://x"})
    assert spec.models[0].parameters_billions == billions
