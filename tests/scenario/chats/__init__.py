"""The chats in which scenarios are played, and the words in which they are written, which are the same in each."""
