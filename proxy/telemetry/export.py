"""Switches OpenTelemetry's export on: OTLP over HTTP, by the standard environment variables."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proxy.settings import SettingsError
from router.ended import Observer


@dataclass(frozen=True, slots=True)
class Export:
    """An observer, and what sends the rest at the end."""

    observe: Observer
    close: Callable[[], None]


def start_export() -> Export:
    """Exports in the background. Raises SettingsError where the extra `otel` is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError("telemetry.otel needs more packages: pip install 'maestro-proxy[otel]'") from None
    from proxy.telemetry.tracing import Tracing

    resource = Resource.create() if _is_named() else Resource.create({"service.name": "maestro"})
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    meters: Any = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=resource)

    def close() -> None:
        tracers.shutdown()
        meters.shutdown()

    return Export(Tracing(tracers, meters).observe, close)


def _is_named() -> bool:
    from opentelemetry.sdk.resources import OTELResourceDetector

    return "service.name" in OTELResourceDetector().detect().attributes
