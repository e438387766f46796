"""One package for each outside system; none imports another."""
