"""The SQLite engine: everything that knows SQLite's own API."""
