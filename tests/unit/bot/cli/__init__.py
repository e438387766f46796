"""The command line: real processes, and a real server where one is needed."""
