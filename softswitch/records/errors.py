"""What may go wrong with records.

RecordsError
|-- StorageError    the database, its folder or its lock cannot be used; the text is one sentence for the operator
`-- EventError      a stored line is not an event that this version knows
"""


class RecordsError(Exception):
    """Root of the errors of this package."""


class StorageError(RecordsError):
    """The database, its folder or its lock cannot be used."""


class EventError(RecordsError):
    """A stored line is not an event that this version knows."""
