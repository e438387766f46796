"""Benchmarks: `make bench` prints ratios of figures that are taken side by side in one run. No timing is a test."""
