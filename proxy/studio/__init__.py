"""AI21's own shapes: the body of a run, and agents."""
