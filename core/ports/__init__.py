"""What the core asks of the world: each module is one port. Adapters implement them, and nothing here does anything."""
