"""Both backends on real sockets must do the same."""

import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

from media.errors import BackendUnavailable, BadCommand, PortsExhausted
from media.io import choice, sockaddr
from media.io.poll import Poll
from media.io.ports import PortPair, Ports, parse_range
from media.io.sockets import BUFFER_SIZE, MediaIo
from media.io.uring import Uring

CAPACITY = 64


def open_uring() -> Uring:
    try:
        return Uring(CAPACITY)
    except BackendUnavailable as error:
        pytest.skip(error.text)


@pytest.fixture(params=["uring", "poll"])
def io(request: pytest.FixtureRequest) -> Iterator[MediaIo]:
    made: MediaIo = open_uring() if request.param == "uring" else Poll(CAPACITY)
    yield made
    made.close()


@pytest.fixture
def ports() -> Ports:
    return Ports(34000, 34999)


def phone(host: str = "127.0.0.1") -> socket.socket:
    sock = socket.socket(sockaddr.family_of(host), socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(2)
    return sock


def aim(io: MediaIo, row: int, sock: socket.socket) -> None:
    host, port = sock.getsockname()[:2]
    io.peers[row] = sockaddr.pack(host, port)
    io.peer_sizes[row] = sockaddr.SIZE if ":" in host else sockaddr.V4_SIZE


def gather(io: MediaIo, count: int) -> list[tuple[int, bytes, tuple[str, int]]]:
    """So many datagrams, or as many as come within two seconds."""
    got: list[tuple[int, bytes, tuple[str, int]]] = []
    until = time.monotonic() + 2
    while len(got) < count and time.monotonic() < until:
        arrivals = io.receive()
        for index in range(0 if arrivals is None else len(arrivals.rows)):
            assert arrivals is not None
            source = sockaddr.unpack(arrivals.sources[arrivals.buffers[index]])
            got.append((int(arrivals.rows[index]), arrivals.datagram(index), source))
    return got


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_datagrams_come_with_their_row_and_source(io: MediaIo, ports: Ports, host: str) -> None:
    pairs = [ports.open(host) for _ in range(3)]
    with phone(host) as sock:
        for row, pair in enumerate(pairs, 1):
            io.attach(row, pair)
        for number in range(20):
            for pair in pairs:
                sock.sendto(bytes((number,)) * (number + 1), (host, pair.port))
        got = gather(io, 60)
        assert len(got) == 60
        for row in (1, 2, 3):
            mine = [datagram for at, datagram, _ in got if at == row]
            assert mine == [bytes((number,)) * (number + 1) for number in range(20)]
        assert {source for _, _, source in got} == {sock.getsockname()[:2]}
    for row, pair in enumerate(pairs, 1):
        io.detach(row)
        ports.close(pair)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_rows_are_sent_to_their_peers(io: MediaIo, ports: Ports, host: str) -> None:
    pair = ports.open(host)
    with phone(host) as sock:
        io.attach(5, pair)
        aim(io, 5, sock)
        io.packets[5] = np.arange(io.packets.shape[1]).astype(np.uint8)
        io.send(np.array([5]), 172)
        datagram, source = sock.recvfrom(2000)
        assert datagram == io.packets[5, :172].tobytes()
        assert source[:2] == (host, pair.port)
        io.send_one(5, b"odd")
        assert sock.recv(2000) == b"odd"
    io.detach(5)
    ports.close(pair)


def test_reports_come_and_go_on_the_next_port(io: MediaIo, ports: Ports) -> None:
    pair = ports.open("127.0.0.1")
    with phone() as rtp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtcp:
        rtcp.bind(("127.0.0.1", 0))
        rtcp.settimeout(2)
        io.attach(1, pair)
        before = pair.rtcp
        rtp.sendto(bytes(172), ("127.0.0.1", pair.port))
        assert len(gather(io, 1)) == 1
        assert (before is None, pair.rtcp is None) == (True, False)
        rtcp.sendto(b"report", ("127.0.0.1", pair.port + 1))
        until = time.monotonic() + 2
        reports: list[tuple[int, bytes, str]] = []
        while not reports and time.monotonic() < until:
            reports = io.receive_reports()
        assert reports == [(1, b"report", "127.0.0.1")]
        aim(io, 1, rtp)
        io.peers[1] = sockaddr.pack("127.0.0.1", rtcp.getsockname()[1] - 1)
        io.send_report(1, b"ours")
        assert rtcp.recv(100) == b"ours"
    io.detach(1)
    ports.close(pair)
    for port in (pair.port, pair.port + 1):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", port))


def test_a_report_is_sent_and_answered_before_any_packet_came(io: MediaIo, ports: Ports) -> None:
    pair = ports.open("127.0.0.1")
    with phone() as sock:
        io.attach(1, pair)
        assert io.receive_reports() == []
        io.peers[1] = sockaddr.pack("127.0.0.1", sock.getsockname()[1] - 1)
        io.peer_sizes[1] = sockaddr.V4_SIZE
        io.send_report(1, b"ours")
        assert sock.recvfrom(100) == (b"ours", ("127.0.0.1", pair.port + 1))
        sock.sendto(b"theirs", ("127.0.0.1", pair.port + 1))
        assert io.receive_reports() == [(1, b"theirs", "127.0.0.1")]
    io.detach(1)
    ports.close(pair)


def test_a_leg_whose_report_port_is_taken_is_heard_without_reports(io: MediaIo, ports: Ports) -> None:
    pair = ports.open("127.0.0.1")
    with phone() as sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", pair.port + 1))
        io.attach(1, pair)
        sock.sendto(b"sound", ("127.0.0.1", pair.port))
        assert [datagram for _, datagram, _ in gather(io, 1)] == [b"sound"]
        io.send_report(1, b"ours")
        assert io.receive_reports() == []
    io.detach(1)
    ports.close(pair)


def test_a_row_without_packets_comes_and_goes_without_a_request_to_the_ring(ports: Ports) -> None:
    ring = open_uring()
    ring.receive()  # the end of the trial's request
    submitted: list[int] = []
    real, ring._ring.submit = ring._ring.submit, lambda sqes, **_: submitted.append(len(sqes))  # type: ignore[method-assign]
    pairs = [ports.open("127.0.0.1") for _ in range(3)]
    for row, pair in enumerate(pairs, 1):
        ring.attach(row, pair)
    assert ring.receive() is None
    ring.detach(1)
    ring.detach(2)
    assert submitted == []
    ring._ring.submit = real  # type: ignore[method-assign]
    with phone() as sock:
        sock.sendto(b"sound", ("127.0.0.1", pairs[2].port))
        assert [(row, datagram) for row, datagram, _ in gather(ring, 1)] == [(3, b"sound")]
    ring.detach(3)
    ring.close()
    for pair in pairs:
        ports.close(pair)


def test_a_large_datagram_is_cut_and_an_empty_one_is_counted(io: MediaIo, ports: Ports) -> None:
    pair = ports.open("127.0.0.1")
    io.attach(1, pair)
    with phone() as sock:
        for datagram in (b"", b"x" * 1400, b"y" * 172):
            sock.sendto(datagram, ("127.0.0.1", pair.port))
        got = gather(io, 3)
    assert [len(datagram) for _, datagram, _ in got][::2] == [0, 172]
    assert 700 < len(got[1][1]) <= BUFFER_SIZE
    io.detach(1)
    ports.close(pair)


def test_a_peer_that_is_gone_does_not_stop_a_row(io: MediaIo, ports: Ports) -> None:
    pair = ports.open("127.0.0.1")
    io.attach(1, pair)
    gone = phone()
    aim(io, 1, gone)
    gone.close()
    for _ in range(5):
        io.send(np.array([1]), 172)
        io.send_report(1, b"hello")
        gather(io, 0)
        io.receive()
        io.receive_reports()
    with phone() as sock:
        sock.sendto(b"alive", ("127.0.0.1", pair.port))
        assert [datagram for _, datagram, _ in gather(io, 1)] == [b"alive"]
    io.detach(1)
    ports.close(pair)


def test_a_row_that_serves_another_leg_hears_nothing_of_the_one_before(io: MediaIo, ports: Ports) -> None:
    with phone() as sock:
        for round_ in range(30):
            pair = ports.open("127.0.0.1")
            io.attach(1, pair)
            sock.sendto(bytes((round_,)), ("127.0.0.1", pair.port))
            if round_ % 3:
                assert [datagram for _, datagram, _ in gather(io, 1)] == [bytes((round_,))]
            sock.sendto(b"late", ("127.0.0.1", pair.port))
            io.detach(1)
            ports.close(pair)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
                free.bind(("127.0.0.1", pair.port))


def test_more_packets_than_buffers_are_not_lost(ports: Ports) -> None:
    io = open_uring()
    pairs = [ports.open("127.0.0.1") for _ in range(60)]
    with phone() as sock:
        for row, pair in enumerate(pairs, 1):
            io.attach(row, pair)
        io.receive()
        for number in range(200):
            for pair in pairs:
                sock.sendto(bytes((number,)) * 172, ("127.0.0.1", pair.port))
        got = gather(io, 12000)
    assert len(got) == 12000
    for row, pair in enumerate(pairs, 1):
        assert [datagram[0] for at, datagram, _ in got if at == row] == list(range(200))
        io.detach(row)
        ports.close(pair)
    io.close()


def test_one_reading_finds_what_came_to_every_row(io: MediaIo, ports: Ports) -> None:
    pairs = [ports.open("127.0.0.1") for _ in range(60)]
    for row, pair in enumerate(pairs, 1):
        io.attach(row, pair)
    io.receive()
    with phone() as sock:
        for pair in pairs:
            sock.sendto(b"x", ("127.0.0.1", pair.port))
        arrivals = io.receive()
    assert arrivals is not None
    assert sorted(arrivals.rows.tolist()) == list(range(1, 61))
    for row, pair in enumerate(pairs, 1):
        io.detach(row)
        ports.close(pair)


def test_many_rows_are_sent_at_once(io: MediaIo, ports: Ports) -> None:
    pairs = [ports.open("127.0.0.1") for _ in range(50)]
    rows = np.arange(1, 51)
    with phone() as sock:
        for row, pair in zip(rows.tolist(), pairs, strict=True):
            io.attach(row, pair)
            aim(io, row, sock)
        for turn in range(100):
            io.packets[rows, 0] = rows
            io.send(rows, 20)
            got = {sock.recvfrom(100) for _ in rows}
            assert {(datagram[0], source[1]) for datagram, source in got} == {
                (row, pair.port) for row, pair in zip(rows.tolist(), pairs, strict=True)
            }, turn
    for row, pair in zip(rows.tolist(), pairs, strict=True):
        io.detach(row)
        ports.close(pair)


def test_ports_are_even_and_the_longest_free_pair_comes_first() -> None:
    ports = Ports(35001, 35008)
    pairs = [ports.open("127.0.0.1") for _ in range(3)]
    assert [pair.port for pair in pairs] == [35002, 35004, 35006]
    with pytest.raises(PortsExhausted):
        ports.open("127.0.0.1")
    ports.close(pairs[1])
    ports.close(pairs[0])
    again = [ports.open("127.0.0.1"), ports.open("127.0.0.1")]
    assert [pair.port for pair in again] == [35004, 35002]
    for pair in (*again, pairs[2]):
        ports.close(pair)


def test_a_pair_that_somebody_else_holds_is_passed_over() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 35102))
        ports = Ports(35102, 35106)
        pair: PortPair = ports.open("127.0.0.1")
        assert pair.port == 35104
        ports.close(pair)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 35104))


@pytest.mark.parametrize("text", ["", "20000", "a-b", "30000-20000", "0-5", "60000-70000", "1-1"])
def test_what_is_no_range_of_ports_is_refused(text: str) -> None:
    with pytest.raises(BadCommand):
        Ports(*parse_range(text))


def test_a_foreign_address_is_refused() -> None:
    for address in ("192.0.2.1", "localhost", "", "::g", "127.0.0.1\0"):
        with pytest.raises(BadCommand):
            Ports(35200, 35210).open(address)


@pytest.mark.parametrize(
    ("host", "port"), [("192.0.2.7", 1), ("255.255.255.255", 65535), ("2001:db8::7", 4000), ("::1", 0)]
)
def test_an_address_is_unpacked_as_it_was_packed(host: str, port: int) -> None:
    assert sockaddr.unpack(sockaddr.pack(host, port)) == (host, port)


def test_the_backend_is_chosen_by_itself_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> Uring:
        raise BackendUnavailable("io_uring is forbidden here")

    with pytest.raises(BadCommand):
        choice.choose("epoll", CAPACITY)
    forced, reason = choice.choose("poll", CAPACITY)
    assert (forced.name, "configured" in reason) == ("poll", True)
    forced.close()
    monkeypatch.setattr(choice, "Uring", refuse)
    chosen, reason = choice.choose("auto", CAPACITY)
    assert (chosen.name, "forbidden" in reason) == ("poll", True)
    chosen.close()
    with pytest.raises(BackendUnavailable):
        choice.choose("uring", CAPACITY)


def test_no_more_is_read_than_was_asked_for_and_nothing_is_lost(io: MediaIo, ports: Ports) -> None:
    pair = ports.open("127.0.0.1")
    with phone() as sock:
        io.attach(1, pair)
        for number in range(30):
            sock.sendto(bytes((number,)), ("127.0.0.1", pair.port))
        got: list[bytes] = []
        until = time.monotonic() + 2
        while len(got) < 30 and time.monotonic() < until:
            arrivals = io.receive(7)
            if arrivals is not None:
                assert len(arrivals.rows) <= 7
                got += [arrivals.datagram(index) for index in range(len(arrivals.rows))]
    assert got == [bytes((number,)) for number in range(30)]
    io.detach(1)
    ports.close(pair)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_flood_of_empty_datagrams_buries_no_packet(io: MediaIo, ports: Ports, host: str) -> None:
    pair = ports.open(host)
    with phone(host) as sock, phone(host) as stranger:
        io.attach(1, pair)
        sock.sendto(b"first", (host, pair.port))
        assert [datagram for _, datagram, _ in gather(io, 1)] == [b"first"]
        got: list[bytes] = []
        for number in range(20):
            for _ in range(100):
                stranger.sendto(b"", (host, pair.port))
            sock.sendto(bytes([number]) * 20, (host, pair.port))
            for _ in range(4):  # looks in the time between two packets of a phone
                arrivals = io.receive()
                found = 0 if arrivals is None else len(arrivals.rows)
                got += [arrivals.datagram(at) for at in range(found)] if arrivals is not None else []
        got += [datagram for _, datagram, _ in gather(io, 20)]
    sound = [datagram for datagram in got if datagram]
    assert sound[-15:] == [bytes([number]) * 20 for number in range(5, 20)]
    io.detach(1)
    ports.close(pair)
