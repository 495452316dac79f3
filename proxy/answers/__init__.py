"""What an answer says: the completion with our fields spliced in, scores, and streams."""
