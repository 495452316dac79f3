"""Documents: uploaded, converted, cut into chunks, stored, and found again."""
