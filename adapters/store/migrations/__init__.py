"""Migrations of the tables. A `pre` migration only adds, so that the previous version still runs; `post` removes."""
