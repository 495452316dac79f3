import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.checks.grammar.numbers import ONES, TENS, read_numbers


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a hundred words", "#100 words"),
        ("one hundred and fifty words", "#150 words"),
        ("one hundred and two hundred", "#100 and #200"),
        ("one thousand two hundred and five", "#1205"),
        ("half a dozen", "#6"),
        ("three or four", "#3 or #4"),
        ("a word", "a word"),
        ("the 22nd word", "the @22 word"),
        ("last line", "@-1 line"),
        ("twice", "#2 times"),
    ],
)
def test_numbers_in_words(text: str, read: str) -> None:
    assert " ".join(read_numbers(text.split())) == read


@given(st.sampled_from(sorted(TENS)), st.sampled_from([word for word, value in ONES.items() if 0 < value < 10]))
def test_tens_and_ones_add_up(tens: str, ones: str) -> None:
    assert read_numbers([tens, ones]) == [f"#{TENS[tens] + ONES[ones]}"]
