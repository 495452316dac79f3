"""What the models page says of the checkpoint that serves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from action_model.checkpoint import DEFAULT, load_checkpoint
from proxy.dashboard.knowledge import CheckpointFile, checkpoint_of

pytestmark = pytest.mark.anyio


async def test_the_packages_checkpoint_says_what_each_model_rests_on() -> None:
    found = await CheckpointFile(None).describe({"a/x": "gpt-4o-mini-2024-07-18", "a/y": "never-heard-of"})
    assert found is not None
    trained, unknown = found.models
    assert trained.how.startswith("trained on ") and trained.labels is not None and trained.labels > 100
    assert (unknown.how, unknown.labels) == ("placed by its price", None)
    assert {"table", "prompts", "auc", "brier", "calibration_error"} <= set(found.tables[0])


def test_an_onboarded_model_shows_its_labels_and_how_long_its_answers_are() -> None:
    learnt, card = load_checkpoint(DEFAULT)
    old = learnt.joined
    parts = (np.array(0.3), np.zeros(old.loadings.shape[1]), np.zeros(old.theta.shape[1]))
    joined = old.plus("new-one", (*parts, np.array(np.log(2.0)), np.array(0.5), np.array(64.0)))
    (known,) = checkpoint_of("c", replace(learnt, joined=joined), card, {"b/new": "new-one"}).models
    assert (known.how, known.labels) == ("onboarded", 64)
    assert known.answer_tokens == pytest.approx(2.0)


async def test_a_checkpoint_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert await CheckpointFile(str(tmp_path / "missing.safetensors")).describe({"a/x": "x"}) is None
