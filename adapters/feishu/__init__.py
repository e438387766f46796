"""The adapter of Feishu (Lark): it receives events and card callbacks, and sends messages, cards and approval forms."""
