"""The command line `fabu`: one module per family of commands, put together by `bot.cli`.

What the modules import at their top is light, so that `fabu --help` answers at once; servers, databases and HTTP are
imported by the commands that use them.
"""
