"""Which road a request takes: one model's bytes passed through, or waves."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

import msgspec
from msgspec.structs import replace

from action_model.actions import Action
from action_model.belief import Estimate
from action_model.facts import Facts
from router.checks.check import Validator
from router.conversation import Conversation, conversation_of
from router.errors import UnknownModel
from router.facts import choice_count, facts_of, slim_facts
from router.ids import new_id
from router.judging.agreement import asks_for_one_answer
from router.outlook import Outlook
from router.pins import Pin, Pins
from router.portfolio import allowed_models, eligible_models
from router.task import Caller, Task
from router.upstreams.upstream import Model, Upstreams
from router.verify import Subject

NOTHING_REQUIRED = Subject((), ())
plain_action = lru_cache(1024)(Action)
"""A plain sample of one model."""


class Road(msgspec.Struct, frozen=True):
    """How a request is served: one model's bytes passed through, or waves. `estimate` is of the action chosen.

    `is_bound`: the conversation must stay with the model that spoke last; `pin` is where it was.
    """

    kind: Literal["relay", "waves"]
    run_id: str
    facts: Facts
    subject: Subject
    models: tuple[Model, ...]
    estimate: Estimate | None = None
    conversation: Conversation | None = None
    pin: Pin | None = None
    is_bound: bool = False

    @property
    def model(self) -> Model | None:
        """The one model of a relay."""
        return self.models[0] if self.kind == "relay" else None

    def action_by(self, model: str) -> Action:
        """What a relay does, carried out by this model: its own, or a fallback."""
        if self.estimate is None:
            return plain_action(model)
        action = self.estimate.action
        return action if action.model == model else replace(action, model=model)


class Roads:
    """Chooses roads, and remembers which model each conversation is with."""

    def __init__(self, upstreams: Upstreams, outlook: Outlook, pins: Pins, validators: Mapping[str, Validator]) -> None:
        self._upstreams = upstreams
        self._outlook = outlook
        self._pins = pins
        self._validators = validators

    def choose(self, task: Task, caller: Caller) -> Road:
        """The road. Raises BadRequest (a bad check), UnknownModel (none may serve this)."""
        if not (task.is_virtual or task.requirements or task.named_action or task.tools):
            models = (self._permitted(task.model, caller),)
            return Road("relay", _run_id(), slim_facts(task), NOTHING_REQUIRED, models)
        subject = Subject.of(task, self._validators) if may_be_checked(task) else NOTHING_REQUIRED
        road = Road("waves", _run_id(), facts_of(task, subject.kinds), subject, ())
        road = self._with_models(road, task, caller)
        if subject.requirements or task.named_action is not None or task.tools:
            return road
        if polls(task, road):
            return road
        best = self._outlook.believe(task, road.facts, road.models, road.pin, road.is_bound).first_choice(task)
        chosen = next(model for model in road.models if model.id == best.action.model)
        return replace(road, kind="relay", models=(chosen,), estimate=best)

    def keep(self, caller: Caller, road: Road, action: Action) -> None:
        """The conversation is with this action's model from now on."""
        if road.conversation is not None:
            variant = action.variant if action.technique == "sample" else ""
            pin = Pin(action.model, self._outlook.clock(), road.facts.input_tokens, variant)
            self._pins.keep(_scope(caller), road.conversation, pin)

    def _with_models(self, road: Road, task: Task, caller: Caller) -> Road:
        named = task.named_action.model if task.named_action is not None else None
        if named is not None or not task.is_virtual:
            return replace(road, models=(self._permitted(named or task.model, caller),))
        models = eligible_models(self._upstreams.models.values(), task, caller, road.facts)
        if not models:
            raise UnknownModel(task.model)
        conversation = conversation_of(task)
        pin = self._pins.find(_scope(caller), conversation)
        return _bound(replace(road, models=models, conversation=conversation, pin=pin))

    def _permitted(self, name: str, caller: Caller) -> Model:
        model = self._upstreams.find(name)
        if not allowed_models([model], caller):
            raise UnknownModel(name)
        return model


def may_be_checked(task: Task) -> bool:
    """Will anybody look at an answer: is something required, or could answers be compared?"""
    return bool(task.requirements or task.named_action or task.tools) or task.budget.effort == "high"


def polls(task: Task, road: Road) -> bool:
    """Is it worth asking more than once though nothing is required? High effort, and a question with one short answer.

    Not where the client wants tools, several choices or log probabilities: then one model answers, as it is.
    """
    is_plain = not road.facts.needs & {"tools", "logprobs"} and choice_count(task) == 1
    return task.budget.effort == "high" and is_plain and not road.is_bound and asks_for_one_answer(road.facts.text)


def _bound(road: Road) -> Road:
    """Inside a tool loop, or after signed reasoning, only the model that spoke goes on, without its fallbacks."""
    if road.conversation is None or road.pin is None or not road.conversation.is_bound:
        return road
    pinned: Sequence[Model] = [model for model in road.models if model.id == road.pin.model]
    if not pinned:
        return road
    return replace(road, models=(dataclasses.replace(pinned[0], fallbacks=()),), is_bound=True)


def _run_id() -> str:
    return f"run-{new_id()}"


def _scope(caller: Caller) -> str:
    return caller.key_id or caller.team
