"""Outgoing hooks: signed by Standard Webhooks, readable by Zadig's receivers, kept away from internal addresses."""
