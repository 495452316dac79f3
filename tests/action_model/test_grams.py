"""Hashes of pairs are made from those of their grams."""

from itertools import pairwise
from zlib import crc32

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from action_model.features import HASHED
from action_model.grams import BITS, LONGEST_MOVED, Grams

GRAMS = st.lists(st.binary(min_size=1, max_size=4) | st.binary(min_size=1, max_size=2 * LONGEST_MOVED), max_size=20)


@given(grams=GRAMS)
def test_a_pair_is_hashed_as_both_read_with_a_blank_between(grams: list[bytes]) -> None:
    table = Grams(64)
    numbers = np.array(table.numbers(grams), dtype=np.int64)
    pairs = (numbers[:-1] << BITS) | numbers[1:]
    told = table.hashes(np.concatenate((numbers, pairs)), len(numbers))
    codes = [*map(crc32, grams), *(crc32(one + b" " + other) for one, other in pairwise(grams))]
    assert told.tolist() == [code % HASHED + (HASHED if code >> 31 else 0) for code in codes]


@given(asked=st.lists(GRAMS, max_size=5))
def test_a_gram_keeps_its_number_until_all_are_forgotten(asked: list[list[bytes]]) -> None:
    table = Grams(101)
    for grams in asked:
        numbers = table.numbers(grams)
        assert table.numbers(grams) == numbers
        assert len(set(numbers)) == len(set(grams)) and 0 not in numbers
    table.forget()
    assert table.has_room(100) and not table.has_room(101)
    assert table.numbers([b"a", b"b", b"a"]) == [1, 2, 1]
    assert not table.has_room(99)
