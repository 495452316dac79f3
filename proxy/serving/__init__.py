"""How the application is served: workers, draining, bounded heads, counters."""
