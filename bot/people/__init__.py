"""Who is who: chat users and people, the tokens of the API, and links that sign in."""
