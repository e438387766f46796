"""The adapter of DingTalk: cards, robot messages and approval forms, over HTTP callbacks or Stream mode."""
