"""`/admin/…`: teams, keys, budgets, spend, the books and the audit log; the acts are shared with the command line."""
