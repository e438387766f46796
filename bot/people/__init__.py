"""People: those of the settings, the persons behind chat users, tokens of the API, and sign-in links."""
