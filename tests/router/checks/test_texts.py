from hypothesis import given
from hypothesis import strategies as st

from router.checks.texts import occurrences, occurs

WORDS = st.lists(
    st.sampled_from(["cat", "Cats", "a", "A", "é", "C++", "one two", "", " ", "no.", "\n", "cat-"]), max_size=8
)


@given(WORDS.map(" ".join), WORDS.map(" ".join), st.booleans())
def test_what_occurs_is_counted_at_least_once(text: str, phrase: str, is_inflected: bool) -> None:
    assert occurs(text, phrase, is_inflected) is (occurrences(text, phrase, is_inflected) > 0)
