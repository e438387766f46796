"""The adapter of Slack: it receives clicks, commands, modals and mentions, and sends cards, home tabs and replies.

Most modules import slack_sdk, and `connection` imports slack_bolt: import them only when Slack is enabled.
"""
