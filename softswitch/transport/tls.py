"""TLS as octets in and octets out: a channel per connection, and the certificates that all channels are made with.

No socket and no loop: `Connection` feeds a channel, so the limits of plain connections hold for handshakes as well,
and a reload changes what the next channel is made with and no channel that exists.
"""

import ssl
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

CHUNK = 1 << 16  # octets taken out of the engine at once
MAX_WAITING = 1 << 20  # octets that may wait for the end of a handshake
WARN_BEFORE = 14 * 86400.0  # seconds before a certificate ends
DAY = 86400.0  # seconds
PROTECTED = frozenset(("tls", "wss"))
"""Transports that nobody on the way can read."""


class CertificateError(Exception):
    """A certificate or key that cannot be used; the text says which file and why."""


class CertificateFiles(NamedTuple):
    """Where the certificates are."""

    certificate: str | None = None
    """PEM: our certificate and what leads to its authority. None: nobody connects to us by TLS."""
    key: str | None = None
    """PEM: the key of our certificate, without password; None when it stands in the same file."""
    client_ca: str | None = None
    """PEM: authorities; whoever connects to us must show a certificate of one of them. None: nobody must."""
    ca: str | None = None
    """PEM: authorities of those we connect to. None: the authorities that this system trusts."""


class Certificates:
    """The contexts of new connections, read from files, and when our certificate ends. `load` before use."""

    def __init__(self) -> None:
        self.server: ssl.SSLContext | None = None
        """For whoever connects to us."""
        self.client: ssl.SSLContext | None = None
        """For whomever we connect to: verified, by name or address."""
        self.ends_at: float | None = None
        """Wall seconds at which our certificate is no longer valid."""

    def load(self, files: CertificateFiles) -> None:
        """Read the files again. Raises CertificateError, and changes nothing then."""
        client = _client_context(files)
        server = ends_at = None
        if files.certificate is not None:
            ends_at = _ends_at(files.certificate)
            server = _server_context(files, files.certificate)
        self.client, self.server, self.ends_at = client, server, ends_at

    def trouble(self, now: float) -> str:
        """What somebody must see to, in one sentence; empty when all is well."""
        if self.ends_at is None or self.ends_at - now > WARN_BEFORE:
            return ""
        if self.ends_at <= now:
            return "The certificate has expired."
        return f"The certificate expires in {int((self.ends_at - now) / DAY)} days."


def _client_context(files: CertificateFiles) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=files.ca)
    except (OSError, ssl.SSLError) as error:
        raise _unusable(files.ca or "the system's authorities", error) from error
    if files.certificate is not None:
        _load_chain(context, files.certificate, files.key)  # shown to trunks that ask for one
    return context


def _server_context(files: CertificateFiles, certificate: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _load_chain(context, certificate, files.key)
    if files.client_ca is not None:
        try:
            context.load_verify_locations(files.client_ca)
        except (OSError, ssl.SSLError) as error:
            raise _unusable(files.client_ca, error) from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _load_chain(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    try:
        # A key with a password would ask for it on the terminal, and the switch would wait for ever.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError, ssl.SSLError) as error:
        raise _unusable(f"{certificate} with the key {key or certificate}", error) from error


def _ends_at(certificate: str) -> float:
    try:
        found = x509.load_pem_x509_certificate(Path(certificate).read_bytes())
    except (OSError, ValueError) as error:
        raise _unusable(certificate, error) from error
    return found.not_valid_after_utc.timestamp()


def _unusable(what: str, error: Exception) -> CertificateError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return CertificateError(
        f"TLS: {what} cannot be used: {reason}. Both must be readable PEM files that belong together."
    )


class TlsChannel:
    """One connection's TLS engine (RFC 8446) between what is said and what is sent."""

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, name: str | None = None) -> None:
        """A channel that has not shaken hands.

        Parameters
        ----------
        name
            Whom the certificate of the other side must name: a host name, or an address. For clients only.
        """
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._engine = context.wrap_bio(self._incoming, self._outgoing, server_side=server_side, server_hostname=name)
        self._waiting = bytearray()
        self.ready = False
        """Whether hands are shaken and the other side is who it should be."""
        self.ended = False
        """Whether the other side said that nothing more comes."""

    def start(self) -> None:
        """Say the first word, when it is ours. Raises ssl.SSLError."""
        self._shake()

    def receive(self, data: bytes) -> bytes:
        """Octets of the network in, what was said out. Raises ssl.SSLError; `take` may hold an alert then."""
        self._incoming.write(data)
        if not self.ready and not self._shake():
            return b""
        said = bytearray()
        while not self.ended:
            try:
                chunk = self._engine.read(CHUNK)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                chunk = b""
            said += chunk
            self.ended = not chunk
        return bytes(said)

    def say(self, data: bytes) -> None:
        """Encrypt; before hands are shaken it waits. Raises OSError when too much waits, or the engine has failed."""
        if self.ready:
            self._engine.write(data)
            return
        if len(self._waiting) + len(data) > MAX_WAITING:
            raise OSError("too much waits for the TLS handshake")
        self._waiting += data

    def end(self) -> None:
        """Say that nothing more comes."""
        try:
            self._engine.unwrap()
        except (OSError, ValueError):
            return  # the other side need not say so, too

    def take(self) -> bytes:
        """Take what is to be sent."""
        return self._outgoing.read()

    def _shake(self) -> bool:
        try:
            self._engine.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.ready = True
        if self._waiting:
            self._engine.write(bytes(self._waiting))
            self._waiting.clear()
        return True
