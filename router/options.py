"""What the operator chose of how requests are carried out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from router.checks.check import Validator
from router.efforts import EFFORTS
from router.exploration import NONE, Exploration
from router.planning.situation import Tradeoff
from router.steering import Steering
from router.task import Effort
from router.techniques.registry import load_techniques
from router.techniques.technique import Technique
from router.tools.bench import Toolroom
from router.variants import NO_VARIANTS, Variants


@dataclass(frozen=True)
class DispatcherOptions:
    """What the operator chose, and the clock (event-loop time).

    `most_calls` bounds the calls of all runs at once, `slots` those at each upstream: both shared fairly between teams.
    `streamed` names upstreams that only stop working when a stream is left (llama.cpp); `efforts` what money and time
    are worth at each effort; without `hedging` a slow call gets no second one beside it. `exploration` is the share of
    first waves that try an action at random; `variants` are what the settings offer beside the plain sample;
    `steering` keeps mean costs at what the operator stated.
    """

    clock: Callable[[], float]
    validators: Mapping[str, Validator]
    max_parallel: int = 8
    store_texts: bool = False
    most_calls: int = 1024
    slots: Mapping[str, int] = field(default_factory=dict)
    streamed: frozenset[str] = frozenset()
    tools: Toolroom | None = None
    techniques: Mapping[str, Technique] = field(default_factory=load_techniques)
    efforts: Mapping[Effort, Tradeoff] = field(default_factory=lambda: EFFORTS)
    hedging: bool = True
    exploration: Exploration = NONE
    variants: Variants = NO_VARIANTS
    steering: Steering = field(default_factory=lambda: Steering({}))
