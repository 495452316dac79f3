"""The planner's parts: what it looks at, the moves it may make, and the searches over them."""
