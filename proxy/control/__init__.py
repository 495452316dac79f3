"""What a request asks: requirements, budget and model, from headers, body fields and `<maestro>` blocks."""
