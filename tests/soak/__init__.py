"""Fabu under load while things go wrong: `python -m tests.soak`, and for some seconds in the tests."""
