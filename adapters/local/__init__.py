"""The local runner: it runs scripts and SQL on the server's machine, for installations without another runner."""
