"""The export as a collector gets it: OTLP over HTTP on a real socket, read with the protocol's own messages."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from scripts.fake_upstream import FakeUpstream
from tests.proxy.served import MESSAGES, serving, settings_for

pytestmark = pytest.mark.anyio
TRACE = "0af7651916cd43dd8448eb211c80319c"
SECRET = "a word that only the prompt holds"


class Collector:
    """Takes what is exported, as an OpenTelemetry collector does at `/v1/traces` and `/v1/metrics`."""

    def __init__(self) -> None:
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.endpoint = ""

    async def take(self, request: web.Request) -> web.Response:
        """Parses one request; a body that is no such message is an error."""
        body = await request.read()
        body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        self.headers.append(dict(request.headers))
        self.bodies.append(body)
        if request.path == "/v1/traces":
            self.traces.append(ExportTraceServiceRequest.FromString(body))
        else:
            self.metrics.append(ExportMetricsServiceRequest.FromString(body))
        return web.Response(content_type="application/x-protobuf")

    @property
    def spans(self) -> dict[str, Any]:
        scopes = [s for one in self.traces for resource in one.resource_spans for s in resource.scope_spans]
        return {span.name: span for scope in scopes for span in scope.spans}

    @property
    def figures(self) -> set[str]:
        scopes = [s for one in self.metrics for resource in one.resource_metrics for s in resource.scope_metrics]
        return {metric.name for scope in scopes for metric in scope.metrics}


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    found = Collector()
    app = web.Application()
    app.router.add_post("/{signal:v1/(?:traces|metrics)}", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


def said(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


async def test_a_collector_gets_traces_verdicts_and_figures_but_no_texts(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "front-door")
    async with (
        FakeUpstream() as fake,
        serving(settings_for(fake, tmp_path, telemetry={"otel": True})) as served,
        served.client() as client,
    ):
        await client.chat.completions.create(
            model="maestro",
            messages=[*MESSAGES, {"role": "user", "content": SECRET}],
            extra_headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"},
            extra_body={"requirements": [{"name": "short", "description": "At most 3 words"}]},
        )
    request, call = collector.spans["invoke_workflow maestro"], collector.spans["chat a/small"]
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, "b7ad6b7169203331")
    assert call.trace_id == request.trace_id
    assert said(call.attributes)["gen_ai.provider.name"] == "a"
    verdicts = [event for span in collector.spans.values() for event in span.events]
    assert {event.name for event in verdicts} == {"gen_ai.evaluation.result"}
    assert said(verdicts[0].attributes)["gen_ai.evaluation.name"] == "short"
    assert said(collector.traces[0].resource_spans[0].resource.attributes)["service.name"] == "front-door"
    assert {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"} <= collector.figures
    assert all(headers.get("x-tenant") == "blue" for headers in collector.headers)
    assert all(SECRET.encode() not in body for body in collector.bodies)


async def test_a_collector_that_is_away_harms_no_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    async with (
        FakeUpstream() as fake,
        serving(settings_for(fake, tmp_path, telemetry={"otel": True})) as served,
        served.client() as client,
    ):
        answer = await client.chat.completions.create(model="maestro", messages=MESSAGES)
    assert answer.choices[0].message.content
