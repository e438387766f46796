"""Strict stand-ins for the outside systems: real HTTP servers on loopback, with the vendor's own checks and limits."""
