"""What several adapters share. It knows the core alone, and no vendor."""
