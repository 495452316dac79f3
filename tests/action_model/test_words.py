from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_model import words
from action_model.words import Memory, words_of


@given(text=st.text(st.sampled_from(" \nab.Σ"), max_size=30))
def test_words_put_together_are_the_text(text: str) -> None:
    whole = "".join(word if word.startswith("\n") else " " + word for word in words_of(text))
    assert whole == " " + text


@given(asked=st.lists(st.lists(st.text("abc", max_size=3), max_size=8), max_size=20))
def test_however_little_is_remembered_every_word_is_said_as_it_is_read(asked: list[list[str]]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(words, "MOST_WORDS", 4)
        patched.setattr(words, "LONGEST_WORD", 2)
        memory = Memory[str](lambda some: [list(word) for word in some])
        for some in asked:
            assert memory.of(some) == list("".join(some))
            assert len(memory.young) <= 8 and len(memory.old) <= 8


def test_a_word_that_was_met_is_not_read_again() -> None:
    read: list[str] = []

    def look(some: Sequence[str]) -> list[list[int]]:
        read.extend(some)
        return [[len(word)] for word in some]

    memory = Memory[int](look)
    assert memory.of(["one", "three", "one"]) == [3, 5, 3]
    assert memory.of(["one", "four"]) == [3, 4]
    assert sorted(read) == ["four", "one", "three"]
