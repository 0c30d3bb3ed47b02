"""A name server on the loopback that knows what it is told, and may be silent."""

import asyncio
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class NameServer(asyncio.DatagramProtocol):
    """Answers from its zone; what is not in it does not exist."""

    def __init__(self, *records: str) -> None:
        self.zone: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self.asked: list[tuple[str, str]] = []
        self.silent = False
        self.refuses: set[str] = set()
        """Types for which it answers SERVFAIL."""
        self.add(*records)

    def add(self, *records: str) -> None:
        """Records like "example.com 60 A 192.0.2.1"."""
        for record in records:
            name, ttl, kind, data = record.split(None, 3)
            self.zone.setdefault((name, kind), []).append((int(ttl), data))

    async def open(self) -> dns.asyncresolver.Resolver:
        """Listen; what asks it."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = self._transport.get_extra_info("sockname")[1]
        return resolver

    def close(self) -> None:
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name, kind = question.name.to_text(omit_final_dot=True).lower(), question.rdtype.name
        self.asked.append((name, kind))
        if self.silent:
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if kind in self.refuses:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif all(known != name for known, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        for ttl, record in self.zone.get((name, kind), []):
            answer.answer.append(dns.rrset.from_text(question.name, ttl, "IN", kind, record))
        cast(asyncio.DatagramTransport, self._transport).sendto(answer.to_wire(), addr)
