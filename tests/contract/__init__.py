"""What every store promises (`core.ports.Store`), shown on each of them."""
