"""What is told of requests: counters for Prometheus, one log line each, and OpenTelemetry where it is switched on."""
