"""A text read word by word is projected as its features are."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from action_model import features, projected
from action_model.checkpoint import DEFAULT, load_checkpoint
from action_model.features import EMBEDDING, FOURIER, Floats, featurize, fourier
from action_model.fused import fuse
from action_model.lexicon import Lexicon
from action_model.projected import Projected
from action_model.tokens import encoder, tokens_of
from tests.action_model.test_features import TEXTS

LEARNT = load_checkpoint(DEFAULT)[0]
FUSED = fuse(LEARNT)
LONGER = st.lists(TEXTS | st.sampled_from(["Prove that 2 + 2 = 4.", "SELECT $1?", "the cat"]), max_size=8).map(" ".join)


def plainly(text: str) -> Floats:
    """(1, F): the features, but their tokens' vectors are summed in double precision: in single precision, one after
    another, as `featurize` sums them, thousands of the same few lose three digits."""
    found = featurize([text])
    tokens = tokens_of(text[: features.CLIP_CHARACTERS] or " ")
    summed = encoder().embedding[tokens].astype(np.float64).sum(axis=0)
    weights, shifts = fourier()
    unit = found[0, :EMBEDDING] = summed / max(float(np.sqrt(summed @ summed)), 1e-9)
    found[0, EMBEDDING : EMBEDDING + FOURIER] = np.sqrt(2.0 / FOURIER) * np.cos(unit @ weights + shifts)
    return found


def chances(logits: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-logits))


@settings(max_examples=200, deadline=None)
@given(text=LONGER)
@example(text="")
@example(text="a b " * 900)
@example(text="x" * 5000)
@example(text="<s> the cat? $1\n\n  2 + 2")
@example(text="İ" * 4000)
@example(text="\n".join(f"{i}. Item {i}: costs ${i}?" for i in range(300)))
def test_one_text_is_projected_as_its_features_are_and_told_the_same(text: str) -> None:
    plain = plainly(text)
    x = Projected(FUSED.basis, FUSED.center)(text)
    np.testing.assert_allclose(x, LEARNT.projection(plain)[0], atol=1e-6)
    logits, plain_logits = FUSED.logits(FUSED.tell(x)), LEARNT.logits(plain)[0]
    np.testing.assert_allclose(chances(logits), chances(plain_logits), atol=2e-6)
    inner = np.abs(plain_logits) < 3.0  # beyond, the last digit of a chance in single precision is more than that
    np.testing.assert_allclose(logits[inner], plain_logits[inner], atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(LONGER, min_size=1, max_size=6))
def test_however_little_is_remembered_a_text_is_projected_the_same(texts: list[str]) -> None:
    roomy = Projected(FUSED.basis, FUSED.center)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(projected, "lexicon", lambda: Lexicon(1200, 2400))
        narrow = Projected(FUSED.basis, FUSED.center)
    for number, text in enumerate(texts):
        fresh = " ".join(f"{text} {number}x{word}" for word in range(100))
        for one in (text, fresh, text):
            np.testing.assert_array_equal(narrow(one), roomy(one))
