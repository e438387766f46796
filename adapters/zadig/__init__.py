"""The adapter of Zadig: it runs Zadig's workflows, parses its pushes, and answers the hooks of its release plans."""
