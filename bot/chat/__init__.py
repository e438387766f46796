"""From a request in a chat to its reply: the grammar of commands, references of buttons, and the dispatcher."""
