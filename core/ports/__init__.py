"""What plans need of the world, a matter to each module: protocols that adapters implement, and their values."""
