"""Code that several adapters share. It imports the core alone, and knows no vendor."""
