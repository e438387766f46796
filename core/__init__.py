"""The plan engine: what a release plan is and what may happen to it.

No framework and no I/O live here, only the standard library and pydantic. Data goes one way: a command meets a plan
in `decide`, which answers with events; `apply` folds the events into the plan; `engine` commits the result to the
store. What plans need of the world (the store, runners, messengers, approval forms, the clock) are the ports in
`core.ports`, which adapters implement. The engine itself uses the store and the clock; `bot` uses the others.
"""
