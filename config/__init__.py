"""Settings, and the files that an installation starts from; imported by bot alone."""
