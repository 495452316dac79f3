"""A checkpoint: `NAME.safetensors` with the numbers and `NAME.json`, the card that says what they are."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from action_model import features
from action_model.clusters import Clusters
from action_model.demand import Demand
from action_model.latent import Latent
from action_model.learnt import Joined, Learnt, Paces
from action_model.mixture import Mixture, View
from action_model.projection import Projection
from action_model.ridge import Ridge

FORMAT = 2
JOINED = tuple(f"joined.{part}" for part in ("bias", "loadings", "theta", "log_tokens", "token_spread", "labels"))
DEFAULT = Path(__file__).parent / "data" / "default"


class CheckpointError(Exception):
    """A checkpoint that does not fit this version, or whose parts do not fit each other."""


@dataclass(frozen=True)
class Card:
    """What a checkpoint is: feature version, models, where it comes from, how good it was on held-out tasks.

    `joined` names the models that were learnt one by one later, from how many labels each. `prompts` are the prompt
    variants that `models` speak of, with their texts.
    """

    models: tuple[str, ...]
    tables: Mapping[str, tuple[int, ...]]
    trained_on: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    joined: tuple[str, ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)
    features_version: int = features.VERSION
    format: int = FORMAT
    sha256: str = ""


def save_checkpoint(path: Path, learnt: Learnt, card: Card) -> None:
    """Writes both files, each whole or not at all; the same numbers give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers, words = path.with_suffix(".safetensors"), path.with_suffix(".json")
    fresh = numbers.with_suffix(".safetensors.new")
    fresh.write_bytes(save(_tensors(learnt)))
    digest = hashlib.sha256(fresh.read_bytes()).hexdigest()
    said = {**asdict(card), "joined": list(learnt.joined.names), "sha256": digest}
    fresh_words = words.with_suffix(".json.new")
    fresh_words.write_text(json.dumps(said, indent=1, sort_keys=True), "utf-8")
    fresh.replace(numbers)
    fresh_words.replace(words)


def load_checkpoint(path: Path) -> tuple[Learnt, Card]:
    """Reads both files. Raises CheckpointError for another format or version, or bytes that are not the card's."""
    numbers = path.with_suffix(".safetensors")
    try:
        said = json.loads(path.with_suffix(".json").read_text("utf-8"))
        digest = hashlib.sha256(numbers.read_bytes()).hexdigest()
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from None
    if (said.get("format"), said.get("features_version")) != (FORMAT, features.VERSION):
        raise CheckpointError(f"{path}: made for another version of the features or the format")
    if said.get("sha256") != digest:
        raise CheckpointError(f"{path}: the numbers are not the ones the card speaks of")
    said["models"], said["joined"] = tuple(said["models"]), tuple(said["joined"])
    said["tables"] = {name: tuple(columns) for name, columns in said["tables"].items()}
    card = Card(**said)
    try:
        return _learnt(load_file(numbers), card), card
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: incomplete: {error}") from None


def _tensors(learnt: Learnt) -> dict[str, NDArray[Any]]:
    tensors = {
        "projection.center": learnt.projection.center,
        "projection.basis": learnt.projection.basis,
        "latent.particles": learnt.latent.particles,
        "latent.theta": learnt.latent.theta,
        "latent.bias": learnt.latent.bias,
        "latent.scale": learnt.latent.scale,
        "log_price": learnt.log_price,
        "token_spread": learnt.token_spread,
        "token_high": learnt.token_high,
        "concentration": np.array([learnt.concentration]),
        "demand.center": learnt.demand.center,
        "demand.basis": learnt.demand.basis,
        "demand.loadings": learnt.demand.loadings,
        **dict(zip(JOINED, learnt.joined.parts(), strict=True)),
        **_ridge("log_tokens", learnt.log_tokens),
    }
    if learnt.paces is not None:
        tensors |= _ridge("seconds", learnt.paces.ridge)
        tensors["seconds.columns"] = np.array(learnt.paces.columns)
        tensors |= {"seconds.spread": learnt.paces.spread, "seconds.high": learnt.paces.high}
    for table, counts in learnt.requirement_counts.items():
        tensors |= _ridge(f"{table}.requirements", counts)
    for table, mixture in learnt.mixtures.items():
        tensors |= _ridge(f"{table}.level", mixture.level) | _ridge(f"{table}.differences", mixture.differences)
        tensors[f"{table}.weights"] = np.array(mixture.weights)
        if mixture.topic_levels is not None:
            tensors[f"{table}.topic_levels"] = mixture.topic_levels
            tensors[f"{table}.level_share"] = np.array([mixture.level_share])
        views = [*([mixture.topics] if mixture.topics else []), *mixture.clusters]
        for i, view in enumerate(views):
            tensors |= _view(f"{table}.view{i}", view)
    return {name: np.ascontiguousarray(tensor, dtype=_kind(name)) for name, tensor in sorted(tensors.items())}


def _kind(name: str) -> Any:
    """The large arrays in half precision: the rounding is far below the noise of what they were fitted to."""
    return (
        np.float16
        if name != "demand.basis" and name.endswith(("basis", "weights", "centers", "gate.weights"))
        else np.float32
    )


def _ridge(name: str, ridge: Ridge) -> dict[str, NDArray[Any]]:
    return {f"{name}.center": ridge.center, f"{name}.mean": ridge.mean, f"{name}.weights": ridge.weights}


def _view(name: str, view: View) -> dict[str, NDArray[Any]]:
    said = {f"{name}.means": view.means, f"{name}.power": np.array([view.power])}
    if isinstance(view.gate, Clusters):
        temperature = np.array([view.gate.temperature])
        return {**said, f"{name}.centers": view.gate.centers, f"{name}.temperature": temperature}
    return {**said, **_ridge(f"{name}.gate", view.gate)}


def _learnt(raw: Mapping[str, NDArray[Any]], card: Card) -> Learnt:
    tensors = {name: tensor.astype(np.float64) for name, tensor in raw.items()}
    mixtures = {table: _read_mixture(tensors, table) for table in card.tables}
    latent = Latent(*(tensors[f"latent.{part}"] for part in ("particles", "theta", "bias", "scale")))
    if len(latent.bias) != len(card.models):
        raise ValueError(f"{len(latent.bias)} actions, {len(card.models)} names")
    projection = Projection(tensors["projection.center"], tensors["projection.basis"])
    return Learnt(
        models=card.models,
        projection=projection,
        mixtures=mixtures,
        tables=card.tables,
        latent=latent,
        log_price=tensors["log_price"],
        log_tokens=_read_ridge(tensors, "log_tokens"),
        token_spread=tensors["token_spread"],
        token_high=tensors["token_high"],
        concentration=float(tensors["concentration"][0]),
        demand=Demand(*(tensors[f"demand.{part}"] for part in ("center", "basis", "loadings"))),
        joined=Joined(card.joined, *(tensors[name] for name in JOINED)),
        requirement_counts={
            table: _read_ridge(tensors, f"{table}.requirements")
            for table in card.tables
            if f"{table}.requirements.mean" in tensors
        },
        paces=_read_paces(tensors),
    )


def _read_paces(tensors: Mapping[str, NDArray[Any]]) -> Paces | None:
    if "seconds.columns" not in tensors:
        return None
    columns = tuple(int(column) for column in tensors["seconds.columns"])
    return Paces(columns, _read_ridge(tensors, "seconds"), tensors["seconds.spread"], tensors["seconds.high"])


def _read_ridge(tensors: Mapping[str, NDArray[Any]], name: str) -> Ridge:
    return Ridge(tensors[f"{name}.center"], tensors[f"{name}.mean"], tensors[f"{name}.weights"])


def _read_mixture(tensors: Mapping[str, NDArray[Any]], table: str) -> Mixture:
    topics: View | None = None
    clusters: list[View] = []
    i = 0
    while f"{table}.view{i}.means" in tensors:
        name = f"{table}.view{i}"
        means, power = tensors[f"{name}.means"], float(tensors[f"{name}.power"][0])
        if f"{name}.centers" in tensors:
            gate = Clusters(tensors[f"{name}.centers"], float(tensors[f"{name}.temperature"][0]))
            clusters.append(View(gate, means, power))
        else:
            topics = View(_read_ridge(tensors, f"{name}.gate"), means, power)
        i += 1
    first, second, third = (float(weight) for weight in tensors[f"{table}.weights"])
    return Mixture(
        _read_ridge(tensors, f"{table}.level"),
        _read_ridge(tensors, f"{table}.differences"),
        topics,
        tuple(clusters),
        (first, second, third),
        tensors.get(f"{table}.topic_levels"),
        float(tensors.get(f"{table}.level_share", np.zeros(1))[0]),
    )
