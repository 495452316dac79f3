import asyncio
import threading
from typing import Any

import pytest

from router.checks.check import Answer
from router.checks.validators import ValidatorError, load_validators

pytestmark = pytest.mark.anyio


def polite(answer: str) -> bool:
    return "please" in answer


def graded(answer: str, prompt: str) -> tuple[float, str]:
    return 0.5, f"{len(answer)} of {len(prompt)}"


def broken(answer: str) -> bool:
    raise RuntimeError("a secret")


def odd(answer: str) -> str:
    return "yes"


STUCK = threading.Event()


def stuck(answer: str) -> bool:
    return STUCK.wait(10)


async def later(answer: str) -> bool:
    await asyncio.sleep(0)
    return True


async def judge(function: str, text: str = "please") -> Any:
    validators = load_validators({"it": f"{__name__}:{function}"}, seconds=0.2)
    return await validators["it"](Answer(text, "prompt"))


async def test_a_bool_a_score_and_a_reason_are_read() -> None:
    assert (await judge("polite")).score == 1.0
    assert (await judge("polite", "now!")).score == 0.0
    assert (await judge("graded")).reason == "6 of 6"
    assert (await judge("later")).passed


async def test_trouble_is_no_verdict_and_tells_no_secret() -> None:
    finding = await judge("broken")
    assert finding.score is None
    assert "secret" not in finding.reason
    assert (await judge("odd")).score is None


async def test_a_validator_that_hangs_is_given_up() -> None:
    finding = await judge("stuck")
    STUCK.set()
    assert finding.score is None
    assert "longer" in finding.reason


@pytest.mark.parametrize("path", ["no_such_module:f", "json:nothing", "json", "json:__doc__"])
def test_a_validator_that_cannot_be_loaded_stops_the_start(path: str) -> None:
    with pytest.raises(ValidatorError, match="it"):
        load_validators({"it": path})
