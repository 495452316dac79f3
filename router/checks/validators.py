"""The operator's own Python: functions named in the settings or by entry point, run in a thread with a limit."""

import asyncio
import importlib
import inspect
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from router.checks.check import Answer, Finding, Validator
from router.tools.guard import Allowance


@dataclass(frozen=True, slots=True)
class Effects:
    """What checks with effects may do: hosts allowed besides public ones, and whether code may run at all."""

    allowance: Allowance = Allowance()
    may_run_code: bool = True


class Validators(dict[str, Validator]):
    """Validators by name, and what the built-in checks with effects may do."""

    effects: Effects = Effects()


ENTRY_POINTS = "maestro.validators"
LIMIT_SECONDS = 10.0


class ValidatorError(Exception):
    """A validator cannot be loaded; the message says which and why."""


def load_validators(
    paths: Mapping[str, str], seconds: float = LIMIT_SECONDS, effects: Effects | None = None
) -> Validators:
    """Validators by name: entry points, then `name = "module:function"` paths, which win. Raises ValidatorError."""
    threads = ThreadPoolExecutor(8, "validator")
    found: dict[str, Callable[..., Any]] = {}
    for point in entry_points(group=ENTRY_POINTS):
        found[point.name] = _load(point.name, point.value)
    for name, path in paths.items():
        found[name] = _load(name, path)
    loaded = Validators({name: wrap(name, function, threads, seconds) for name, function in found.items()})
    loaded.effects = effects or Effects()
    return loaded


def wrap(name: str, function: Callable[..., Any], threads: ThreadPoolExecutor, seconds: float) -> Validator:
    """A function of (answer) or (answer, prompt) that returns a bool, a score, or (either, reason), as a validator.

    It never raises: trouble and slowness give a score of None and say so.
    """
    takes_prompt = len(inspect.signature(function).parameters) > 1

    async def validate(answer: Answer) -> Finding:
        arguments = (answer.text, answer.prompt) if takes_prompt else (answer.text,)
        try:
            async with asyncio.timeout(seconds):
                if inspect.iscoroutinefunction(function):
                    result = await function(*arguments)
                else:
                    result = await asyncio.get_running_loop().run_in_executor(threads, function, *arguments)
        except TimeoutError:
            return Finding(None, f"validator '{name}' took longer than {seconds:g} s")
        except Exception as error:  # noqa: BLE001  (foreign code: the outermost edge)
            return Finding(None, f"validator '{name}' failed: {type(error).__name__}")
        return read_result(name, result)

    return validate


def read_result(name: str, result: Any) -> Finding:
    """What a validator returned, as a finding; anything odd is no verdict."""
    value, reason = result if isinstance(result, tuple) and len(result) == 2 else (result, "")
    if isinstance(value, bool):
        return Finding(float(value), str(reason) or ("holds" if value else "does not hold"))
    if isinstance(value, int | float) and 0 <= value <= 1:
        return Finding(float(value), str(reason) or f"score {value:g}")
    return Finding(None, f"validator '{name}' returned neither a bool nor a score from 0 to 1")


def _load(name: str, path: str) -> Callable[..., Any]:
    module, _, attribute = path.partition(":")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValidatorError(f"validator '{name}' = '{path}' cannot be loaded: {error}") from None
    if not callable(function):
        raise ValidatorError(f"validator '{name}' = '{path}' is not a function")
    checked: Callable[..., Any] = function
    return checked
