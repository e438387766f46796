"""The plan engine: what a release plan is and what may happen to it.

No framework and no I/O live here, only the standard library and pydantic. Data goes one way: a command meets a plan
in `decide`, which answers with events; `apply` folds the events into the plan; `engine` commits the result through
the ports. Everything outside (chats, stores, runners, clocks) is an adapter of a port in `core.ports`.
"""
