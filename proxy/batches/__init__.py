"""OpenAI's `/v1/batches`: many requests in a file, answered in a file."""
