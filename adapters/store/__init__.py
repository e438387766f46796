"""The store: plans, their log and everything that belongs to them, in SQLite, PostgreSQL or memory."""
