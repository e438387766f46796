"""Feishu (Lark): events and card callbacks in, messages, cards and approval forms out."""
