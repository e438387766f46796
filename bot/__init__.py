"""The running program: its composition root, the chat, cards, deliveries, the API, the console and the command line."""
