"""All transactions that are alive, and how a message finds its own."""

from softswitch.sip.message import Request, Response
from softswitch.transaction.client_invite import ClientInvite
from softswitch.transaction.client_request import ClientRequest
from softswitch.transaction.errors import TooManyTransactionsError
from softswitch.transaction.key import Key, cancelled_key, client_key, merge_key, server_key
from softswitch.transaction.server_invite import ServerInvite
from softswitch.transaction.server_request import ServerRequest

ServerTransaction = ServerInvite | ServerRequest
ClientTransaction = ClientInvite | ClientRequest
AnyTransaction = ServerTransaction | ClientTransaction


class TransactionTable:
    """Transactions by key, at most `limit` on each side."""

    def __init__(self, limit: int = 100_000) -> None:
        self.limit = limit
        self._servers: dict[Key, ServerTransaction] = {}
        self._clients: dict[Key, ClientTransaction] = {}
        self._first_paths: dict[Key, Key] = {}
        """Merge key to the key of the transaction that came first."""
        self._merge_keys: dict[Key, Key] = {}
        """The way back: transaction key to merge key."""

    def __len__(self) -> int:
        return len(self._servers) + len(self._clients)

    @property
    def server_count(self) -> int:
        """Server transactions alive."""
        return len(self._servers)

    @property
    def client_count(self) -> int:
        """Client transactions alive."""
        return len(self._clients)

    @property
    def full(self) -> bool:
        """A new request cannot be served: answer 503 without a transaction."""
        return len(self._servers) >= self.limit

    def add(self, transaction: AnyTransaction) -> None:
        """Take a new transaction in. Raises TooManyTransactionsError."""
        if isinstance(transaction, (ClientInvite, ClientRequest)):
            self._make_room(len(self._clients))
            self._clients[transaction.key] = transaction
            return
        self._make_room(len(self._servers))
        self._servers[transaction.key] = transaction
        merge = merge_key(transaction.request)
        if merge is not None and merge not in self._first_paths:
            self._first_paths[merge] = transaction.key
            self._merge_keys[transaction.key] = merge

    def remove(self, transaction: AnyTransaction) -> None:
        """Let a finished transaction go; one that is not there is no mistake."""
        if isinstance(transaction, (ClientInvite, ClientRequest)):
            if self._clients.get(transaction.key) is transaction:
                del self._clients[transaction.key]
            return
        if self._servers.get(transaction.key) is not transaction:
            return
        del self._servers[transaction.key]
        merge = self._merge_keys.pop(transaction.key, None)
        if merge is not None:
            del self._first_paths[merge]

    def find_server(self, request: Request) -> ServerTransaction | None:
        """The transaction that a repeated request, or an ACK, belongs to."""
        return self._servers.get(server_key(request))

    def find_client(self, response: Response) -> ClientTransaction | None:
        """The transaction whose request this response answers."""
        return self._clients.get(client_key(response))

    def find_cancelled(self, cancel: Request) -> ServerInvite | None:
        """The INVITE that a CANCEL is for; without one the answer is 481 (RFC 3261 9.2)."""
        transaction = self._servers.get(cancelled_key(cancel))
        return transaction if isinstance(transaction, ServerInvite) else None

    def is_merged(self, request: Request) -> bool:
        """The same request is being served already, over another path: the answer is 482 (RFC 3261 8.2.2.2)."""
        merge = merge_key(request)
        if merge is None:
            return False
        first = self._first_paths.get(merge)
        return first is not None and first != server_key(request)

    def _make_room(self, count: int) -> None:
        if count >= self.limit:
            raise TooManyTransactionsError(f"{count} transactions are alive, no more are taken")
