"""Errors of the database, by what the caller can do about them.

StorageError ─┬ SchemaTooNewError         run the newer program, or restore a backup
              ├ SchemaTooOldError         only to be looked at: let the service start first
              ├ DatabaseBusyError         another instance runs: stop it first
              └ DatabaseUnavailableError  unreadable, damaged: mend the machine
                └ DatabaseStalledError    locked, full, read-only for now: pause, try again
"""


class StorageError(Exception):
    """The root of all errors of this package."""


class SchemaTooNewError(StorageError):
    """The database was written by a newer version of the program."""


class SchemaTooOldError(StorageError):
    """The database was written by an older version, and may only be looked at."""


class DatabaseBusyError(StorageError):
    """Another instance runs on this database."""


class DatabaseUnavailableError(StorageError):
    """The database cannot be opened, read or written."""


class DatabaseStalledError(DatabaseUnavailableError):
    """The database took nothing, but may do so later: locked, no space, read-only."""
