"""What follows a commit: cards, runs, hooks, approval forms and alarms, delivered until they have arrived."""
