"""OpenTelemetry: a trace and figures of each request, by the GenAI conventions. Off unless the settings say so.

Spans are made once a request is over, with the times at which things happened: nothing is added while it runs. The
exporter is OpenTelemetry's own, set by its standard variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, …). Conventions:
open-telemetry/semantic-conventions-genai (status Development); what they do not name is `maestro.*`.
"""

import time
from collections.abc import Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from proxy.telemetry.figures import provider_of
from router.ended import Ended
from router.task import Attempt, Candidate, Run

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**power for power in range(14))


class Tracing:
    """An observer of requests that are over."""

    def __init__(self, tracers: TracerProvider, meters: MeterProvider) -> None:
        self._tracer = tracers.get_tracer("maestro")
        self._propagator = TraceContextTextMapPropagator()
        meter = meters.get_meter("maestro")
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", "Tokens.", explicit_bucket_boundaries_advisory=TOKENS
        )
        self._calls = meter.create_histogram(
            "gen_ai.client.operation.duration", "s", "One call.", explicit_bucket_boundaries_advisory=SECONDS
        )
        self._runs = meter.create_histogram(
            "gen_ai.workflow.duration", "s", "One request.", explicit_bucket_boundaries_advisory=SECONDS
        )

    def observe(self, ended: Ended) -> None:
        """Makes the spans of one request: the request, its waves, their calls; verdicts are events."""
        seconds = _seconds(ended)
        began = time.time() - seconds
        parent = self._propagator.extract(dict(ended.task.client_headers))
        span = self._tracer.start_span(
            f"invoke_workflow {ended.task.model}", parent, SpanKind.SERVER, _of_request(ended), start_time=_ns(began)
        )
        inside = trace.set_span_in_context(span, parent)
        if ended.run is not None:
            self._tell_waves(ended.run, began, inside)
            _tell_verdicts(span, ended.run.chosen, began)
            if ended.run.chosen is None:
                span.set_status(Status(StatusCode.ERROR, str(ended.run.finish_reason)))
        else:
            self._tell_calls(ended.attempts, began, inside)
        span.end(_ns(began + seconds))
        self._measure(ended, seconds)

    def _tell_waves(self, run: Run, began: float, inside: Context) -> None:
        left = list(run.attempts)
        for number, wave in enumerate(run.waves):
            until = _end_of_wave(run, number)
            calls = [attempt for attempt in left if attempt.started_seconds <= until]
            left = [attempt for attempt in left if attempt not in calls]
            started = min((attempt.started_seconds for attempt in calls), default=0.0)
            said: dict[str, Any] = {"maestro.wave": number, "maestro.wave.reason": wave.reason}
            actions = [planned.action.name for planned in wave.actions]
            span = self._tracer.start_span(
                f"wave {number}",
                inside,
                attributes={**said, "maestro.actions": actions},
                start_time=_ns(began + started),
            )
            self._tell_calls(tuple(calls), began, trace.set_span_in_context(span, inside))
            for candidate in run.candidates:
                if candidate.wave == number:
                    _tell_verdicts(span, candidate, began)
            span.end(_ns(began + max((attempt.ended_seconds for attempt in calls), default=started)))
        self._tell_calls(tuple(left), began, inside)

    def _tell_calls(self, attempts: tuple[Attempt, ...], began: float, inside: Context) -> None:
        for attempt in attempts:
            started = _ns(began + attempt.started_seconds)
            name = f"chat {attempt.model}"
            span = self._tracer.start_span(name, inside, SpanKind.CLIENT, _of_call(attempt), start_time=started)
            if attempt.outcome == "error":
                span.set_status(Status(StatusCode.ERROR))
                span.set_attribute("error.type", (attempt.error or "error").split(":", 1)[0])
            span.end(_ns(began + attempt.ended_seconds))

    def _measure(self, ended: Ended, seconds: float) -> None:
        for attempt in ended.attempts:
            labels = _labels(attempt.model)
            self._calls.record(attempt.ended_seconds - attempt.started_seconds, labels)
            for kind, count in (("input", attempt.usage.input_tokens), ("output", attempt.usage.output_tokens)):
                self._tokens.record(count, {**labels, "gen_ai.token.type": kind})
        outcome = "relayed" if ended.run is None else str(ended.run.finish_reason)
        self._runs.record(seconds, {"gen_ai.operation.name": "invoke_workflow", "maestro.outcome": outcome})


def _of_request(ended: Ended) -> Mapping[str, Any]:
    run = ended.run
    said: dict[str, Any] = {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.request.model": ended.task.model,
        "gen_ai.response.model": ended.model,
        "maestro.run.id": ended.road.run_id,
        "maestro.team": ended.caller.team,
        "maestro.usd": ended.nanodollars / 1e9,
    }
    if run is not None:
        said |= {"maestro.finish_reason": str(run.finish_reason), "maestro.waves": len(run.waves)}
        said |= {f"maestro.predicted.{name}": value for name, value in run.predicted.items()}
    return said


def _of_call(attempt: Attempt) -> Mapping[str, Any]:
    usage = attempt.usage
    return {
        **_labels(attempt.model),
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_input_tokens,
        "maestro.purpose": attempt.purpose,
        "maestro.outcome": attempt.outcome,
        "maestro.usd": attempt.nanodollars / 1e9,
        "maestro.is_estimated": attempt.is_estimated,
    }


def _labels(model: str) -> dict[str, str]:
    name = model.split("/", 1)[-1]
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider_of(model),
        "gen_ai.request.model": name,
    }


def _tell_verdicts(span: Span, candidate: Candidate | None, began: float) -> None:
    """Requirement verdicts as the convention's evaluation events. Names are the client's, reasons ours: no answers."""
    for verdict in candidate.verdicts if candidate is not None else ():
        said: dict[str, Any] = {
            "gen_ai.evaluation.name": verdict.requirement,
            "gen_ai.evaluation.explanation": verdict.reason,
            "maestro.source": verdict.source,
            "maestro.candidate": candidate.id if candidate is not None else "",
        }
        if verdict.score is not None:
            label = "pass" if verdict.passed else "fail"
            said |= {"gen_ai.evaluation.score.value": verdict.score, "gen_ai.evaluation.score.label": label}
        at = began + (candidate.ended_seconds if candidate is not None else 0.0)
        span.add_event("gen_ai.evaluation.result", said, _ns(at))


def _end_of_wave(run: Run, number: int) -> float:
    """When the last answer of a wave was there; the last wave takes whatever is left."""
    if number == len(run.waves) - 1:
        return float("inf")
    later = [c.started_seconds for c in run.candidates if c.wave > number]
    return min(later) - 1e-9 if later else float("inf")


def _seconds(ended: Ended) -> float:
    if ended.run is not None:
        return ended.run.seconds
    return max((attempt.ended_seconds for attempt in ended.attempts), default=0.0)


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
