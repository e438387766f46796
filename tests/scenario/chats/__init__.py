"""The chats of scenarios, and the vocabulary of scenarios, which is the same in every chat."""
