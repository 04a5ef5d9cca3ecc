"""Call records and the journal of operator steps, in SQLite."""
