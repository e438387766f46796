"""From a request in any chat to its reply: what was typed or clicked, the command, the answer."""
