import re
import zlib
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from action_model import features
from action_model.features import HASHED, embed, featurize
from action_model.tokens import encoder, tokens_by_word, tokens_of

WORDS = [
    "the",
    "  the",
    "a▁b",
    "▁",
    "<s>",
    "naïve",
    "日本",
    "x" * 50,
    "\n\n",
    "\t",
    "</s>",
    "<",
    "1.5",
    "007",
    "\n2.x3",
    "12th",
    "",
    "\n",
    "a\n",
    "\nΣ",
    "ΑΣ",
    "İ",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.lists(
    st.sampled_from([*WORDS, " ", "ΑΣ'", "\x1c", "\u2028", "x=1", "٣"]), max_size=30
).map("".join)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=400), min_size=1, max_size=4))
def test_the_embedding_is_the_encoders_own_to_the_last_bit(texts: list[str]) -> None:
    own = np.asarray(encoder().embed([text or " " for text in texts]), dtype=np.float64)
    own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
    assert np.array_equal(embed(texts), own)
    assert np.array_equal(np.concatenate([embed([text]) for text in texts]), own)


def test_no_token_goes_on_past_a_blank() -> None:
    assert not [token for token in encoder().tokenizer.get_vocab() if "▁" in token.lstrip("▁")]


def test_no_token_holds_a_digit_and_more() -> None:
    vocabulary = [token for token in encoder().tokenizer.get_vocab() if not re.fullmatch("<0x..>", token)]
    assert not [token for token in vocabulary if len(token) > 1 and re.search("[0-9]", token)]


@settings(max_examples=200, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=12))
def test_words_read_one_by_one_are_the_text_read_whole(words: list[str]) -> None:
    text = " ".join(words)
    text = text.encode("utf-8", "ignore").decode()
    whole = encoder().tokenizer.encode_batch_fast([text], add_special_tokens=False)[0].ids
    assert tokens_of(text) == whole
    assert tokens_of(text) == whole


@settings(max_examples=50, deadline=None)
@given(text=TEXTS)
def test_digits_capitals_and_operators_are_counted_alike_in_any_text(text: str) -> None:
    operators = len(re.findall(r"[=+\-*/^<>]", text))
    assert features.counted(text) == (sum(map(str.isdigit, text)), sum(map(str.isupper, text)), operators)


def hashed_plainly(text: str) -> features.Floats:
    """The set of words and word pairs of the whole text, as the checkpoint was trained on it."""
    words = re.findall(r"\w+|[^\w\s]", text.lower())
    grams = {*words, *(f"{first} {second}" for first, second in pairwise(words))}
    vector = np.zeros(HASHED)
    for gram in grams:
        code = zlib.crc32(gram.encode())
        vector[code % HASHED] += 1.0 if code >> 31 & 1 else -1.0
    unit: features.Floats = vector / max(float(vector @ vector) ** 0.5, 1e-9)
    return unit


@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_what_is_hashed_word_by_word_is_that_of_the_whole_text(text: str) -> None:
    found = featurize([text])[0, -features.MARKS - HASHED : -features.MARKS]
    assert np.array_equal(found, hashed_plainly(text))


@settings(max_examples=20, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=3))
def test_a_text_has_the_same_features_whatever_was_read_before(texts: list[str]) -> None:
    first = [featurize([text]) for text in texts]
    tokens_by_word().young.clear()
    features._grams_by_word().young.clear()
    assert all(np.array_equal(featurize([text]), known) for text, known in zip(texts, first, strict=True))
