"""`/dashboard`: trade-offs, runs, spend, models and a playground, in a browser; no outside request, no build step."""
