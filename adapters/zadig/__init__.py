"""Zadig: start its workflows, follow them, hear its pushes, and answer the hooks of its release plans."""
