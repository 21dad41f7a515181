"""SQLite's words for what engines say differently."""


class SqliteDialect:
    """SQL that differs between engines; see `storage.engine.Dialect`."""

    def contains(self, column: str, parameter: str) -> str:
        """Return the condition that a text contains another one."""
        return f"instr({column}, :{parameter})"

    def members(self, parameter: str) -> str:
        """Return a query for the members of a JSON array."""
        return f"SELECT value FROM json_each(:{parameter})"

    def says(self, column: str, key: str, value: str) -> str:
        """Return the condition that somewhere in a JSON text a key has a value."""
        return (
            f"json_valid({column}) AND EXISTS (SELECT 1 FROM json_tree({column}) "
            f"WHERE json_tree.key = '{key}' AND json_tree.atom = {value})"
        )

    def appended(self, column: str, parameter: str) -> str:
        """Return a JSON array with one more member."""
        return f"json_insert({column}, '$[#]', :{parameter})"


DIALECT = SqliteDialect()
