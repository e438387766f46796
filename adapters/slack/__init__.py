"""Slack: clicks, commands, modals and mentions in; cards, home tabs and short answers out.

Importing a module of this package imports slack_sdk, and Socket Mode slack_bolt: do so only when Slack is enabled.
"""
