from hypothesis import given
from hypothesis import strategies as st

from action_model.prices import Usage
from router.ledger.usage import read_usage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("prompt_tokens", "completion_tokens", "input_tokens", "prompt_tokens_details", "completion_tokens_details")


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_whatever_an_upstream_says_gives_counts_that_hang_together(said: dict[str, object]) -> None:
    usage = read_usage(said)
    if usage is not None:
        assert 0 <= usage.cached_input_tokens <= usage.input_tokens
        assert 0 <= usage.reasoning_tokens <= usage.output_tokens


def test_openai_details_are_read() -> None:
    said = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    assert read_usage(said) == Usage(100, 50, 60, 0, 30, 5, 0)


def test_anthropic_counts_cached_tokens_beside_the_input() -> None:
    said = {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 20}
    assert read_usage(said) == Usage(110, 5, 80, 20)


def test_image_tokens_are_read() -> None:
    said = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"image_tokens": 60},
        "completion_tokens_details": {"image_tokens": 40},
    }
    assert read_usage(said) == Usage(100, 50, image_input_tokens=60, image_output_tokens=40)


def test_thoughts_that_only_the_total_counts_are_output() -> None:
    assert read_usage({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 45}) == Usage(
        10, 35, reasoning_tokens=30
    )
    grok = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 45,
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    assert read_usage(grok) == Usage(10, 35, reasoning_tokens=30)
    assert read_usage({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 3}) == Usage(10, 5)


def test_nothing_said_is_none() -> None:
    assert read_usage(None) is None
    assert read_usage({}) is None
    assert read_usage({"prompt_tokens": -4}) is None
