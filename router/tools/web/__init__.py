"""Pages: fetched behind the guard, and read."""
