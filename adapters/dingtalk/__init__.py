"""DingTalk: interactive cards, robot messages and approval forms, over HTTP callbacks or Stream mode."""
