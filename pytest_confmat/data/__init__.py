"""Sources: where evaluation sets come from."""
