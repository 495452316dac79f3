"""Named profiles: requirements, budget, models and tools of a team under a model name."""
