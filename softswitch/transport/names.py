"""Questions to name servers, asked by dnspython on the loop: nothing waits but who asked, and answers are remembered.

dnspython and not the system's resolver: that knows neither NAPTR nor SRV nor how long an answer holds, and each of its
questions holds a thread for as long as a name server is silent. Query numbers and ports are random.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path

import dns.asyncresolver
import dns.exception
import dns.rdata
import dns.resolver

TIMEOUT = 2.0  # seconds for one question, all name servers together
SHORTEST, LONGEST = 1.0, 3600.0  # seconds for which an answer is believed, whatever its TTL says
NEGATIVE = 30.0  # seconds for which a name that has no such record is not asked for again
SILENT = 5.0  # seconds for which nobody is asked again after name servers were silent
MAX_CACHED = 4096  # answers
MAX_RECORDS = 32  # of one answer; the rest is not looked at
HOSTS = Path("/etc/hosts")

Records = tuple[dns.rdata.Rdata, ...]
Question = tuple[str, str]
"""Name in lower case, and type."""


class ServersSilent(Exception):
    """No name server answered, or none could; nothing is known about the name."""


class Names:
    """Records by name and type, cached for as long as their TTL says.

    Parameters
    ----------
    hosts
        Addresses of names that no server is asked for, as in /etc/hosts.
    """

    def __init__(
        self,
        hosts: Mapping[str, tuple[str, ...]] | None = None,
        servers: dns.asyncresolver.Resolver | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hosts = hosts or {}
        self._servers = servers or _configured()
        self._clock = clock
        self._cache: dict[Question, tuple[float, Records]] = {}
        self._asked: dict[Question, asyncio.Task[Records]] = {}

    async def find(self, name: str, kind: str) -> Records:
        """The records of a name, none when there are none. Raises ServersSilent.

        What was known before is given once more while the servers are silent.
        """
        question = name.rstrip(".").lower(), kind
        known = self._cache.get(question)
        if known is not None and known[0] > self._clock():
            return known[1]
        task = self._asked.get(question)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(question))
            self._asked[question] = task
            task.add_done_callback(lambda _: self._asked.pop(question))
        try:
            return await asyncio.shield(task)
        except ServersSilent:
            if known is None:
                raise
            self._keep(question, SILENT, known[1])
            return known[1]

    async def addresses(self, name: str) -> tuple[str, ...]:
        """IPv4 and IPv6 addresses of a name, IPv4 first. Raises ServersSilent."""
        named = self.hosts.get(name.rstrip(".").lower())
        if named is not None:
            return named
        found = await asyncio.gather(self.find(name, "A"), self.find(name, "AAAA"))
        return tuple(record.to_text() for records in found for record in records)

    async def close(self) -> None:
        """Ask nothing any more."""
        tasks = list(self._asked.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, question: Question) -> Records:
        name, kind = question
        records: Records
        try:
            answer = await self._servers.resolve(
                name, kind, lifetime=TIMEOUT, raise_on_no_answer=False, search="." not in name
            )
        except dns.resolver.NXDOMAIN:
            records, ttl = (), NEGATIVE
        except dns.resolver.NoNameservers as error:
            if kind in ("A", "AAAA"):
                raise ServersSilent(str(error)) from error
            records, ttl = (
                (),
                SILENT,
            )  # servers that know no such type refuse the question; addresses may still be there
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            raise ServersSilent(str(error)) from error
        else:
            records = tuple(answer.rrset or ())[:MAX_RECORDS]
            ttl = min(max(answer.chaining_result.minimum_ttl, SHORTEST), LONGEST if records else NEGATIVE)
        self._keep(question, ttl, records)
        return records

    def _keep(self, question: Question, seconds: float, records: Records) -> None:
        self._cache.pop(question, None)
        if len(self._cache) >= MAX_CACHED:
            del self._cache[next(iter(self._cache))]  # the one that was learned first
        self._cache[question] = self._clock() + seconds, records


def read_hosts(path: Path = HOSTS) -> dict[str, tuple[str, ...]]:
    """The names that this machine knows by itself; none when the file cannot be read."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if _is_address(address):
            for name in names:
                found[name.lower()] = (*found.get(name.lower(), ()), address)
    return {name: tuple(sorted(addresses, key=lambda one: ":" in one)) for name, addresses in found.items()}


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _configured() -> dns.asyncresolver.Resolver:
    """The name servers of /etc/resolv.conf; none, when there is none."""
    try:
        return dns.asyncresolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        return dns.asyncresolver.Resolver(configure=False)
