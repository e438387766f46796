"""The ports: protocols that adapters implement, with the values they exchange, one subject in each module."""
