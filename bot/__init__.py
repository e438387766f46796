"""The running program: composition root, commands, cards, routes, console and command line."""
