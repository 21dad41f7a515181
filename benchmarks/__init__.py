"""How fast the bridge is, beside the simplest one that keeps nothing: `make bench`."""
