"""The embedded runner: scripts and SQL on the server's own machine, for workflow items without another system."""

from adapters.local.runner import LocalRunner, LocalSettings, OnChange

__all__ = ["LocalRunner", "LocalSettings", "OnChange"]
