"""The store: plans, their log and everything that has to be done, in SQLite, PostgreSQL or memory."""
