import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from action_model import features
from action_model.features import embed, tokens_of

WORDS = ["the", "  the", "a▁b", "▁", "<s>", "naïve", "日本", "x" * 50, "\n\n", "\t", "</s>", "<", "1.5", ""]


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=400), min_size=1, max_size=4))
def test_the_embedding_is_the_encoders_own_to_the_last_bit(texts: list[str]) -> None:
    own = np.asarray(features._encoder().embed([text or " " for text in texts]), dtype=np.float64)
    own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
    assert np.array_equal(embed(texts), own)
    assert np.array_equal(np.concatenate([embed([text]) for text in texts]), own)


def test_no_token_goes_on_past_a_blank() -> None:
    assert not [token for token in features._encoder().tokenizer.get_vocab() if "▁" in token.lstrip("▁")]


@settings(max_examples=200, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=12))
def test_words_read_one_by_one_are_the_text_read_whole(words: list[str]) -> None:
    text = " ".join(words)
    text = text.encode("utf-8", "ignore").decode()
    whole = features._encoder().tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids
    assert tokens_of(text) == whole
    assert tokens_of(text) == whole


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=60))
def test_digits_and_capitals_are_counted_alike_in_any_text(text: str) -> None:
    assert features._counted(text) == (sum(map(str.isdigit, text)), sum(map(str.isupper, text)))
