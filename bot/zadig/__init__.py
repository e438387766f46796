"""Fabu beside Zadig: the gate of its release plans, its hooks, and its OpenAPI."""
