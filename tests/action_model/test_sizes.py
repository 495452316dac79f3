import pytest

from action_model.sizes import parameters_of


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("smollm2-135m", 0.135),
        ("SmolLM2-135M-Instruct-Q4_1", 0.135),
        ("qwen2.5-coder-0.5b-instruct", 0.5),
        ("qwen2.5-coder-1.5b-instruct-q4_k_m", 1.5),
        ("meta-llama/Meta-Llama-3_1-70B-Instruct", 70.0),
        ("Llama-3.1-405B-Inst@hyperbolic", 405.0),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", 24.6),
        ("qwen3-30b-a3b-think", 9.49),
        ("qwen2.5-7b-instruct-1m", 7.0),
        ("gemma-3n-e4b-it", 4.0),
        ("command-r7b-12-2024", 7.0),
        ("llama3.2:3b", 3.0),
        ("llama-3.3-nemotron-super-49b-v1", 49.0),
    ],
)
def test_a_size_that_the_name_says_is_read(name: str, billions: float) -> None:
    assert parameters_of(name) == pytest.approx(billions, rel=0.02)


@pytest.mark.parametrize("name", ["gpt-4-0613", "claude-3-5-sonnet-20241022", "phi-3-mini-4k-instruct", "o1-mini", ""])
def test_other_numbers_are_no_sizes(name: str) -> None:
    assert parameters_of(name) is None


@pytest.mark.parametrize("name", ["glm-4-8bit", "gemini-1.5-pro-1m", "gemini-1.5-pro-002", "smollm2", "gpt-4o-mini"])
def test_bits_and_context_lengths_are_no_sizes(name: str) -> None:
    assert parameters_of(name) is None


@pytest.mark.parametrize("name", ["0x7b", "8x0b", "x-a0b", "30b-a0b", "0.0b", "9x99999b"])
def test_a_size_of_nothing_or_beyond_reason_is_none(name: str) -> None:
    assert parameters_of(name) is None
