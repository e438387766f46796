"""Tests of the simulators themselves, against the vendors' own clients."""
