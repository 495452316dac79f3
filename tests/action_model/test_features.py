import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from action_model import features
from action_model.features import embed


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=400), min_size=1, max_size=4))
def test_the_embedding_is_the_encoders_own_to_the_last_bit(texts: list[str]) -> None:
    own = np.asarray(features._encoder().embed([text or " " for text in texts]), dtype=np.float64)
    own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
    assert np.array_equal(embed(texts), own)
    assert np.array_equal(np.concatenate([embed([text]) for text in texts]), own)
