"""Web search: engines behind one adapter, pages read in a sealed process."""
