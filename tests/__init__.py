"""Tests, simulators and benchmarks."""
