"""Batches are computed where the operator wants them, and are the same numbers everywhere."""

from pathlib import Path

import numpy as np
import pytest

from action_model import device
from action_model.actions import Action, Offer, Portfolio
from action_model.batched import Batched
from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.device import DeviceError, chosen_device
from action_model.facts import Facts
from action_model.features import featurize
from action_model.fused import fuse
from action_model.learned import load_estimator
from action_model.prices import Price
from action_model.swapping import SwappingEstimator
from proxy.assembly import build_router
from proxy.settings import Settings, SettingsError

TEXTS = ["Prove that 2 + 2 = 4.", "def f(x): return x", "Who was Cicero?", "", "a" * 5000]


@pytest.fixture
def no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "has_cuda", lambda: False)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "nvidiactl").touch()
    monkeypatch.setattr(device, "DRIVERS", (str(tmp_path / "nvidiactl"),))
    monkeypatch.setattr(device, "has_cuda", lambda: True)


@pytest.mark.usefixtures("no_cuda")
def test_without_a_device_auto_is_the_processor_and_cuda_is_refused_in_words() -> None:
    assert chosen_device("auto") == chosen_device("cpu") == "cpu"
    with pytest.raises(DeviceError, match="no CUDA device"):
        chosen_device("cuda")


@pytest.mark.usefixtures("cuda")
def test_a_device_that_is_there_is_taken_unless_the_processor_is_wanted() -> None:
    assert chosen_device("auto") == chosen_device("cuda") == "cuda"
    assert chosen_device("cpu") == "cpu"


@pytest.mark.anyio
@pytest.mark.usefixtures("no_cuda")
async def test_a_proxy_that_should_use_a_missing_device_does_not_start(tmp_path: Path) -> None:
    upstream = {"name": "a", "base_url": "http://127.0.0.1:9/v1", "model": [{"name": "m", "usd_per_request": 0.0}]}
    said = {"upstream": [upstream], "ledger": {"url": f"sqlite:///{tmp_path}/l.db"}, "device": "cuda"}
    with pytest.raises(SettingsError, match="no CUDA device"):
        await build_router(Settings.model_validate(said))
    with pytest.raises(DeviceError):
        SwappingEstimator(DEFAULT, "cuda")


def test_batches_have_the_same_numbers_as_one_by_one() -> None:
    learnt, _ = load_checkpoint(DEFAULT)
    features = featurize(TEXTS)
    fused = fuse(learnt)
    told, logits = Batched(fused, "cpu").read(features)
    np.testing.assert_allclose(logits, learnt.logits(features), atol=1e-4)
    alone = [fused.tell(x) for x in learnt.projection(features).astype(np.float32)]
    np.testing.assert_allclose(told, alone, atol=1e-3)
    assert [len(part) for part in Batched(fused, "cpu").read(features[:0])] == [0, 0]


def test_what_was_prepared_is_predicted_the_same() -> None:
    alone, prepared = load_estimator(), load_estimator()
    prepared.prepare([*TEXTS, TEXTS[0]])
    offers = Portfolio((Offer(Action("u/m"), Price(1, 2), family="gpt-4-0613"), Offer(Action("u/x"), Price(1, 2))))
    for text in TEXTS:
        one, other = (e.believe(Facts(text, 9), offers) for e in (alone, prepared))
        np.testing.assert_allclose(one.success, other.success, atol=1e-4)
        assert one.estimates[0].output_tokens == pytest.approx(other.estimates[0].output_tokens, rel=1e-3)
