"""How the tables came to be. A `pre` migration only adds, so that the previous version still runs; `post` removes."""
