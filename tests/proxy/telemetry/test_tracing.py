"""Traces and figures of real requests, taken from OpenTelemetry's in-memory exporter."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from proxy.telemetry.tracing import Tracing
from scripts.fake_upstream import FakeUpstream
from tests.proxy.served import MESSAGES, Served, serving, settings_for

pytestmark = pytest.mark.anyio
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Told:
    """A proxy whose telemetry is kept in memory."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider([self._reader])
        served.house.rooms.dispatcher.observers.append(Tracing(tracers, self.meters).observe)

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._spans.get_finished_spans()}

    @property
    def figures(self) -> dict[str, Any]:
        data: Any = self._reader.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        return {metric.name: metric.data.data_points for scope in scopes for metric in scope.metrics}


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    async with FakeUpstream() as fake, serving(settings_for(fake, tmp_path)) as served:
        yield Told(served)


async def ask(told: Told, model: str, **more: Any) -> None:
    async with told.served.client() as client:
        await client.chat.completions.create(
            model=model, messages=MESSAGES, extra_headers={"traceparent": PARENT}, **more
        )


async def test_a_run_is_a_trace_of_waves_and_calls_that_continues_the_callers(told: Told) -> None:
    wanted = [{"name": "short", "description": "At most 3 words"}]
    await ask(told, "maestro", extra_body={"requirements": wanted})
    request, wave, call = (told.spans[name] for name in ("invoke_workflow maestro", "wave 0", "chat a/small"))
    assert request.context is not None and f"{request.context.trace_id:032x}" == TRACE
    assert request.parent is not None and f"{request.parent.span_id:016x}" == "b7ad6b7169203331"
    assert wave.parent == request.context and call.parent == wave.context
    assert call.attributes is not None and call.attributes["gen_ai.provider.name"] == "a"
    assert call.attributes["gen_ai.usage.output_tokens"] == 2 or call.attributes["gen_ai.usage.output_tokens"]


async def test_verdicts_are_evaluation_events(told: Told) -> None:
    await ask(told, "maestro", extra_body={"requirements": [{"name": "short", "description": "At most 3 words"}]})
    (event, *_) = told.spans["invoke_workflow maestro"].events
    said = dict(event.attributes or {})
    assert event.name == "gen_ai.evaluation.result"
    assert (said["gen_ai.evaluation.name"], said["gen_ai.evaluation.score.value"]) == ("short", 1.0)
    assert said["gen_ai.evaluation.score.label"] == "pass" and "limit 3" in str(said["gen_ai.evaluation.explanation"])


async def test_a_relay_is_one_call_under_its_request_and_everything_is_measured(told: Told) -> None:
    await ask(told, "a/small")
    assert set(told.spans) == {"invoke_workflow a/small", "chat a/small"}
    figures = told.figures
    assert set(figures) == {"gen_ai.client.token.usage", "gen_ai.client.operation.duration", "gen_ai.workflow.duration"}
    kinds = {point.attributes["gen_ai.token.type"] for point in figures["gen_ai.client.token.usage"]}
    assert kinds == {"input", "output"}
    told.meters.shutdown()
