"""The chapters of `core.decide`."""
