"""What every store promises (`core.ports.store.Store`), shown on each of them."""
