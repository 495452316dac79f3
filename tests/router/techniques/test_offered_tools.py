"""Which of the client's tools are offered where fewer are."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from router.techniques.offered_tools import offered_tools

ABOUT = {
    "get_weather": "The weather forecast of a city: rain, wind, temperature",
    "send_mail": "Write an e-mail to somebody",
    "book_flight": "Buy a plane ticket between two airports",
    "read_file": "The text of a file on disk",
    "convert_money": "Exchange rates of currencies",
}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": name, "description": text}} for name, text in ABOUT.items()
]
SEARCH = {"type": "web_search"}


def names(tools: list[Any]) -> list[str]:
    return [tool["function"]["name"] if "function" in tool else tool["type"] for tool in tools]


def test_the_nearest_in_meaning_stay_without_a_word_in_common() -> None:
    assert names(offered_tools(TOOLS, 1, "Will I need an umbrella in Oslo tomorrow?")) == ["get_weather"]
    assert names(offered_tools(TOOLS, 1, "How many euros are forty dollars?")) == ["convert_money"]


def test_what_is_forced_stays_and_counts() -> None:
    rain = "Will it rain in Oslo?"
    assert names(offered_tools(TOOLS, 2, rain, frozenset({"read_file"}))) == ["get_weather", "read_file"]
    forced = frozenset({"read_file", "send_mail"})
    assert names(offered_tools(TOOLS, 1, rain, forced)) == ["send_mail", "read_file"]


def test_tools_of_other_kinds_are_not_counted() -> None:
    assert names(offered_tools([SEARCH, *TOOLS], 1, "Will it rain in Oslo?")) == ["web_search", "get_weather"]


@given(st.integers(0, 7), st.sets(st.sampled_from([*ABOUT, "unknown"])), st.permutations(TOOLS), st.text(max_size=40))
def test_a_limit_holds_keeps_the_order_and_what_must_stay(
    limit: int, kept: set[str], tools: list[Any], text: str
) -> None:
    found = offered_tools(tools, limit, text, frozenset(kept))
    must = kept & set(ABOUT)
    assert len(found) == min(len(tools), max(limit, len(must)))
    assert must <= set(names(found))
    assert found == [tool for tool in tools if tool in found]
