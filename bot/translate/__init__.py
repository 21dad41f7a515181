"""Translation both ways: data in, data out; no clock, no database, no network."""
