"""How scripts are kept from what is not theirs: the server's key, database, settings and environment, other runs."""
