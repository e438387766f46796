"""The embedded runner: scripts and SQL on the server's own machine, for workflow items without another system."""
