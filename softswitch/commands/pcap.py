"""A trace as a file for Wireshark: classic pcap with raw IP packets, each message as one UDP datagram. Pure.

The format is that of https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap (version 2.4, microseconds), link type
101 (LINKTYPE_RAW). What went over a connection is written as datagrams as well: only the messages were kept.
"""

import struct
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

MAGIC = 0xA1B2C3D4
RAW_IP = 101
UDP = 17
MAX_PACKET = 65_535
SWITCH_PORT = 5060


def write_pcap(messages: Iterable[Mapping[str, Any]], offset: float) -> bytes:
    """The octets of the file; `offset` is what makes seconds since 1970 of the messages' `at`."""
    head = struct.pack("!IHHiIII", MAGIC, 2, 4, 0, 0, MAX_PACKET, RAW_IP)
    return head + b"".join(_record(one, offset) for one in messages)


def _record(message: Mapping[str, Any], offset: float) -> bytes:
    packet = _packet(message)[:MAX_PACKET]
    microseconds = round((message["at"] + offset) * 1_000_000)
    return struct.pack("!IIII", *divmod(microseconds, 1_000_000), len(packet), len(packet)) + packet


def _packet(message: Mapping[str, Any]) -> bytes:
    host, port = _address(str(message["peer"]))
    ours = ip_address("::1") if host.version == 6 else ip_address("127.0.0.1")
    source, target = ((ours, SWITCH_PORT), (host, port)) if message["sent"] else ((host, port), (ours, SWITCH_PORT))
    payload = str(message["text"]).encode()[: MAX_PACKET - 48]
    datagram = struct.pack("!HHHH", source[1], target[1], len(payload) + 8, 0) + payload
    if host.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(datagram), UDP, 64) + source[0].packed + target[0].packed + datagram
    header = struct.pack("!BBHHHBBH", 0x45, 0, len(datagram) + 20, 0, 0, 64, UDP, 0)
    header += source[0].packed + target[0].packed
    return header[:10] + struct.pack("!H", _checksum(header)) + header[12:] + datagram


def _address(peer: str) -> tuple[IPv4Address | IPv6Address, int]:
    """Of a peer as it is shown: ``udp:127.0.0.1:5060`` or ``tcp:[::1]:5060``."""
    host, _, port = peer.partition(":")[2].rpartition(":")
    return ip_address(host.strip("[]")), int(port)


def _checksum(header: bytes) -> int:
    """The ones' complement of the ones' complement sum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
