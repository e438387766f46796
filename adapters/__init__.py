"""The adapters: one package for each outside system. None imports another, but for `adapters.common`."""
