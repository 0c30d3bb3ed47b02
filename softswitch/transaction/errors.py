"""What can go wrong with transactions themselves.

TransactionError
    TooManyTransactionsError    the table is full
"""


class TransactionError(Exception):
    """Any error of this package; `status` is the SIP status to answer with."""

    status = 500


class TooManyTransactionsError(TransactionError):
    """The table holds as many transactions as it may: answer statelessly that we are overloaded."""

    status = 503
