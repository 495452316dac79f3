import math
from dataclasses import replace

import numpy as np
import pytest

from action_model.offline.placing import Placed, chances, fit_placing
from action_model.prior import PriorConfig

TRUE = PriorConfig(base_logit=0.6, logit_per_decade=0.2, sized_logit=-1.0, logit_per_size_decade=1.6)


def models() -> list[Placed]:
    easier = np.linspace(-0.75, 0.75, 50)
    bare = [Placed("t", f"m{usd}", usd, None, easier, easier) for usd in (0.1, 0.5, 2.0, 8.0, 30.0)]
    bare += [Placed("t", f"m{size}", 1.0, size, easier, easier) for size in (2.0, 8.0, 30.0, 120.0)]
    return [replace(one, score=chances(TRUE, one, 0.8)) for one in bare * 20]


def test_the_numbers_behind_outcomes_are_found() -> None:
    found = fit_placing(models(), 0.8, PriorConfig())
    assert found == pytest.approx((0.6, 0.2, -1.0, 1.6), abs=0.1)


def test_one_model_is_the_same_in_several_tables_and_at_several_hosts() -> None:
    names = ("Meta-Llama-3_1-70B-Instruct", "llama-3.1-70B-Instruct@hyperbolic", "meta-llama/Llama-3.1-70B-instruct")
    empty = np.zeros(0)
    assert len({Placed("t", name, math.nan, 70.0, empty, empty).identity for name in names}) == 1
