"""Actions, and the portfolio of those on offer."""

import msgspec

from action_model.prices import Price


class Action(msgspec.Struct, frozen=True):
    """Technique + model + prompt variant + tools + sampling parameters. `model` is "upstream/model".

    `tool_limit`: how many of the client's tools are offered (None: all); `repairs`: how often a failed answer is
    repaired before it counts (a policy of several calls, as it is collected at build time); `rounds` and `breadth`: how
    often, and for how many things at once, a research action searches (0: its defaults).
    """

    model: str
    technique: str = "sample"
    prompt: str = "plain"
    temperature: float | None = None
    tools: tuple[str, ...] = ()
    tool_limit: int | None = None
    repairs: int = 0
    rounds: int = 0
    breadth: int = 0

    @property
    def name(self) -> str:
        """A short stable name, for traces, metrics and checkpoints."""
        parts = [self.model, self.technique]
        if self.prompt != "plain":
            parts.append(self.prompt)
        if self.temperature is not None:
            parts.append(f"t{self.temperature:g}")
        parts.extend(self.tools)
        if self.tool_limit is not None:
            parts.append(f"tools{self.tool_limit}")
        if self.repairs:
            parts.append(f"r{self.repairs}")
        if self.rounds:
            parts.append(f"x{self.rounds}b{self.breadth}")
        return ":".join(parts)

    @property
    def _is_bare(self) -> bool:
        chosen = (self.temperature, self.tool_limit) != (None, None)
        return not (chosen or self.tools or self.repairs or self.rounds)

    @property
    def variant(self) -> str:
        """The name without the model; "" for one plain sample. What tells apart the actions of one model."""
        if self.technique == "sample" and self.prompt == "plain" and self._is_bare:
            return ""
        name = self.name[len(self.model) + 1 :]
        return name.removeprefix("sample").lstrip(":") if self.technique == "sample" else name


class Offer(msgspec.Struct, frozen=True):
    """One action on offer, with what its upstream promises. `family` is the public model name known to price tables;
    `parameters_billions` the model's size (of a mixture of experts: `sizes.parameters_of`), None where nobody said."""

    action: Action
    price: Price
    context_tokens: int | None = None
    supports: frozenset[str] = frozenset()
    family: str = ""
    parameters_billions: float | None = None


class Portfolio(msgspec.Struct, frozen=True):
    """The actions on offer. Its order is the order of every array that speaks of actions."""

    offers: tuple[Offer, ...]

    @property
    def actions(self) -> tuple[Action, ...]:
        """The actions, in order."""
        return tuple(offer.action for offer in self.offers)
