"""Actions, and the portfolio of those on offer."""

from dataclasses import dataclass

from action_model.prices import Price


@dataclass(frozen=True, slots=True)
class Action:
    """Technique + model + prompt variant + tools + sampling parameters. `model` is "upstream/model"."""

    model: str
    technique: str = "sample"
    prompt: str = "plain"
    temperature: float | None = None
    tools: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A short stable name, for traces, metrics and checkpoints."""
        parts = [self.model, self.technique]
        if self.prompt != "plain":
            parts.append(self.prompt)
        if self.temperature is not None:
            parts.append(f"t{self.temperature:g}")
        parts.extend(self.tools)
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Offer:
    """One action on offer, with what its upstream promises. `family` is the public model name known to price tables."""

    action: Action
    price: Price
    context_tokens: int | None = None
    supports: frozenset[str] = frozenset()
    family: str = ""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The actions on offer. Its order is the order of every array that speaks of actions."""

    offers: tuple[Offer, ...]

    @property
    def actions(self) -> tuple[Action, ...]:
        """The actions, in order."""
        return tuple(offer.action for offer in self.offers)
