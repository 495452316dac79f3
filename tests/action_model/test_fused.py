"""The layout for one text at a time says what the learnt model says."""

import numpy as np
import pytest

from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.features import featurize
from action_model.fused import fuse

TEXTS = ["Prove that 2 + 2 = 4.", "def f(x): return x", "Who was Cicero?", "", "日本語で答えてください。", "a b " * 900]


@pytest.mark.parametrize("text", TEXTS)
def test_one_text_is_read_as_the_learnt_model_reads_it(text: str) -> None:
    learnt, _ = load_checkpoint(DEFAULT)
    features, fused = featurize([text]), fuse(learnt)
    x = learnt.projection(features)
    told = fused.tell(x[0].astype(np.float32))
    np.testing.assert_allclose(fused.logits(told), learnt.logits(features)[0], atol=2e-5)
    tokens, seconds, requirements = fused.beside(told)
    np.testing.assert_allclose(tokens, learnt.log_tokens.predict(x)[0], atol=1e-5)
    np.testing.assert_allclose(requirements, learnt.requirements_at(x[0]), atol=1e-5)
    if learnt.paces is not None:
        np.testing.assert_allclose(seconds, learnt.paces.ridge.predict(x)[0], atol=1e-5)
