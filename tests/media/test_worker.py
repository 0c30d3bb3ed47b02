import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from media.client import MediaClient
from media.errors import BadCommand, PortsExhausted, RecordingError, UnknownLeg, WorkerGone
from media.protocol import (
    CommandFailed,
    Digit,
    MediaEvent,
    PlaybackFailed,
    PlaybackFinished,
    RecordingFailed,
    WorkerLost,
)
from media.rtp import FRAME
from tests.media.phone import Phone
from tests.media.secure_talker import KEYS
from tests.media.studio import loudest_hz, sine

ROOT = Path(__file__).parents[2]
WITHIN = 15.0


def is_free(port: int) -> bool:
    """Whether nobody holds a UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_range(count: int) -> str:
    """So many ports in a row that nobody holds, from where the kernel gives none to others by itself."""
    for first in range(28000, 30000, count):
        if all(is_free(port) for port in range(first, first + count)):
            return f"{first}-{first + count - 1}"
    raise AssertionError(f"no {count} ports in a row are free")


class Running:
    """A worker process and a client of it."""

    def __init__(self, process: asyncio.subprocess.Process, path: Path) -> None:
        self.process = process
        self.path = path
        self.events: list[MediaEvent] = []
        self.phones: list[Phone] = []
        self.client: MediaClient

    async def call(self, name: str, codec: str = "PCMU", host: str = "127.0.0.1", **changes: Any) -> Phone:
        """A leg with its telephone."""
        phone = Phone(codec, host)
        self.phones.append(phone)
        phone.leg_port = await self.client.open(name, host)
        fields: dict[str, Any] = {
            "remote_host": host,
            "remote_port": phone.port,
            "codec": codec,
            "payload_type": phone.payload_type,
            "receive_payload_type": phone.payload_type,
            "dtmf_send": 101,
            "dtmf_receive": 101,
            "send": True,
            "receive": True,
        }
        self.client.configure(name, **fields | changes)
        return phone

    async def wait_for(self, kind: type[Any]) -> Any:
        """The first event of a kind."""
        async with asyncio.timeout(WITHIN):
            while True:
                for event in self.events:
                    if isinstance(event, kind):
                        return event
                await asyncio.sleep(0.01)

    def told(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


async def start(path: Path, backend: str, ports: str = "30000-31999") -> Running:
    """A worker that listens, and a client."""
    command = [sys.executable, "-m", "media.worker", "--socket", str(path), "--ports", ports, "--backend", backend]
    process = await asyncio.create_subprocess_exec(*command, "--log-level", "warning", cwd=ROOT)
    running = Running(process, path)
    async with asyncio.timeout(WITHIN):
        while True:
            with contextlib.suppress(WorkerGone):
                running.client = await MediaClient.connect(str(path), running.events.append)
                return running
            await asyncio.sleep(0.02)


@pytest.fixture(params=["auto", "poll"])
async def worker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    running = await start(tmp_path / "media.sock", request.param)
    yield running
    running.client.close()
    for phone in running.phones:
        phone.close()
    if running.process.returncode is None:
        running.process.terminate()
    async with asyncio.timeout(WITHIN):
        await running.process.wait()


async def test_an_echo_returns_every_packet(worker: Running) -> None:
    phone = await worker.call("a")
    worker.client.echo("a", on=True)
    await phone.talk(sine(440, 50), 50)
    await asyncio.sleep(0.1)
    phone.listen()
    assert len(phone.heard) == 50
    assert abs(loudest_hz(phone.sound) - 440) < 5
    report = await worker.client.close_leg("a")
    assert (report["packets_received"], report["packets_sent"], report["lost"]) == (50, 50, 0)
    assert report["mos"] > 4


async def test_a_phone_that_ceases_to_send_after_comfort_noise_is_recorded_as_long_as_the_call_lasts(
    worker: Running, tmp_path: Path
) -> None:
    a, b = await worker.call("a"), await worker.call("b", comfort_noise=True)
    for name in "ab":
        worker.client.join(name, "room")
    path = tmp_path / "call.wav"
    await worker.client.record("tape", str(path), ["a"], ["b"])
    loop = asyncio.get_running_loop()
    began = loop.time()
    voice = asyncio.create_task(b.talk(sine(1000, 10), 100))
    await a.talk(sine(440, 25), 25)
    a.send(bytes([50]), payload_type=13)
    await voice
    lasted = loop.time() - began
    report = await worker.client.stop_record("tape")
    leg = await worker.client.close_leg("a")
    sound, _ = soundfile.read(path, dtype="int16")
    assert report["error"] is None
    assert len(sound) / 8000 == pytest.approx(lasted, abs=0.5)
    pause = sound[7200:14400, 0].astype(float)
    assert 50 < np.sqrt(np.mean(pause**2)) < 200, "noise of -50 dBov, neither nothing nor the last word again"
    assert abs(loudest_hz(sound[7200:14400, 1]) - 1000) < 5
    assert (leg["lost"], leg["packets_received"]) == (0, 26)
    b.listen()
    assert [packet.payload for packet in b.heard if packet.payload_type == 13] == [bytes([50])]


async def test_an_encrypted_leg_and_a_plain_one_hear_each_other(worker: Running) -> None:
    a, b = await worker.call("a", srtp=KEYS), await worker.call("b")
    a.secure(KEYS)
    worker.client.join("a", "room")
    worker.client.join("b", "room")
    await asyncio.gather(a.talk(sine(440, 40), 40), b.talk(sine(1000, 40), 40))
    await asyncio.sleep(0.05)
    a.listen()
    b.listen()
    assert len(a.heard) == len(b.heard) == 40
    assert abs(loudest_hz(b.sound) - 440) < 10
    assert abs(loudest_hz(a.sound) - 1000) < 10
    a.sock.sendto(bytes(100), ("127.0.0.1", a.leg_port))
    await asyncio.sleep(0.05)
    report = await worker.client.close_leg("a")
    assert (report["packets_received"], report["lost"], report["srtp_errors"]) == (40, 0, 1)


async def test_a_bridge_of_equal_codecs_is_a_relay_both_ways(worker: Running) -> None:
    a, b = await worker.call("a"), await worker.call("b")
    worker.client.join("a", "room")
    worker.client.join("b", "room")
    assert (await worker.client.statistics())["relays"] == 2
    await asyncio.gather(a.talk(sine(440, 40), 40), b.talk(sine(1000, 40), 40))
    await asyncio.sleep(0.05)
    a.listen()
    b.listen()
    assert len(a.heard) == len(b.heard) == 40
    assert abs(loudest_hz(b.sound) - 440) < 10
    assert abs(loudest_hz(a.sound) - 1000) < 10


async def test_a_bridge_of_different_codecs_and_a_room_of_three_are_heard_by_all(worker: Running) -> None:
    a, b, c = await worker.call("a"), await worker.call("b", "PCMA"), await worker.call("c", "PCMA")
    worker.client.join("a", "room")
    worker.client.join("b", "room")
    await asyncio.gather(a.talk(sine(440, 30), 30), b.talk(sine(1000, 30), 30))
    assert abs(loudest_hz(b.sound) - 440) < 20
    assert abs(loudest_hz(a.sound) - 1000) < 20
    worker.client.join("c", "room")
    for phone in (a, b, c):
        phone.heard.clear()
    await asyncio.gather(a.talk(sine(440, 50), 50), b.talk(sine(1000, 50), 50), c.talk(sine(1900, 50), 50))
    for phone, loud, own in ((a, (1000, 1900), 440), (b, (440, 1900), 1000), (c, (440, 1000), 1900)):
        spectrum = np.abs(np.fft.rfft(phone.sound[15 * FRAME : 40 * FRAME]))
        hz = 8000 / (25 * FRAME)
        assert min(spectrum[round(tone / hz)] for tone in loud) > 10 * spectrum[round(own / hz)]


async def test_a_tone_has_its_frequency_and_its_end_is_told(worker: Running) -> None:
    phone = await worker.call("a", "PCMA")
    worker.client.play("a", [{"tone": 1004, "seconds": 0.5}, {"silence": 0.1}], "t1")
    assert await worker.wait_for(PlaybackFinished) == PlaybackFinished("a", "t1")
    phone.listen()
    sound = phone.sound
    assert len(sound) == pytest.approx(0.6 * 8000, abs=2 * FRAME)
    assert abs(loudest_hz(sound[:4000]) - 1004) < 3
    assert not sound[4200:].astype(int).any() or np.abs(sound[4200:]).max() <= 8


async def test_a_file_is_played_and_a_missing_one_is_told(worker: Running, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "prompt.wav", sine(700, 40), 8000)
    phone = await worker.call("a")
    worker.client.play("a", [str(tmp_path / "prompt.wav")], "t1")
    await worker.wait_for(PlaybackFinished)
    phone.listen()
    assert abs(loudest_hz(phone.sound) - 700) < 10
    worker.client.play("a", [str(tmp_path / "nothing.wav")], "t2")
    failed = await worker.wait_for(PlaybackFailed)
    assert (failed.leg, failed.token) == ("a", "t2")
    assert "nothing.wav" in failed.text


async def test_music_goes_on_until_it_is_stopped(worker: Running) -> None:
    phone = await worker.call("a")
    worker.client.play("a", ["builtin"], "music", repeat=True)
    async with asyncio.timeout(WITHIN):
        while len(phone.heard) < 50:
            await asyncio.sleep(0.02)
            phone.listen()
    worker.client.stop("a")
    await worker.client.statistics()
    phone.listen()
    assert np.abs(phone.sound).max() > 300
    phone.heard.clear()
    await asyncio.sleep(0.1)
    phone.listen()
    assert phone.heard == []
    assert worker.told(PlaybackFinished) == []


async def test_the_first_caller_hears_the_music_at_once(worker: Running) -> None:
    phone = await worker.call("a")
    await worker.client.statistics()
    await asyncio.sleep(1)  # what a switch needs at least to take its first call
    worker.client.play("a", ["builtin"], "music", repeat=True)
    await worker.client.statistics()
    await asyncio.sleep(0.3)
    phone.listen()
    assert len(phone.heard) >= 5
    assert np.abs(phone.sound).max() > 50


async def test_a_worker_has_no_threads_but_its_own(worker: Running) -> None:
    await worker.client.statistics()
    assert len(list(Path(f"/proc/{worker.process.pid}/task").iterdir())) <= 2  # the loop, and who loads sounds


async def test_digits_are_counted_once_though_packets_are_lost(worker: Running) -> None:
    phone = await worker.call("a")
    for key, lost in ((1, ()), (2, (0, 1)), (2, (5, 6)), (11, (5, 6, 7)), (10, (0, 7))):
        await phone.press(key, frozenset(lost))
        await phone.talk(sine(300), 12)
    assert [digit.digit for digit in worker.told(Digit)] == ["1", "2", "2", "#", "*"]
    assert {digit.method for digit in worker.told(Digit)} == {"rfc4733"}


async def test_digits_that_are_sent_arrive_as_events(worker: Running) -> None:
    phone = await worker.call("a")
    worker.client.send_digits("a", "42")
    await asyncio.sleep(0.6)
    phone.listen()
    assert [packet.payload[0] for packet in phone.heard if packet.marker] == [4, 2]


async def test_digits_in_band_are_detected(worker: Running) -> None:
    a, b = await worker.call("a", dtmf_send=None), await worker.call("b", dtmf_send=None, dtmf_receive=None)
    worker.client.detect_inband("b", on=True)
    worker.client.send_digits("a", "7")
    for _ in range(30):
        a.listen()
        for packet in a.heard:
            b.send(packet.payload)
        a.heard.clear()
        await asyncio.sleep(0.02)
    assert worker.told(Digit) == [Digit("b", "7", 0, "inband")]


async def test_a_recording_is_stereo_with_each_party_on_its_channel(worker: Running, tmp_path: Path) -> None:
    a, b = await worker.call("a"), await worker.call("b", "PCMA")
    worker.client.join("a", "room")
    worker.client.join("b", "room")
    path = tmp_path / "deep" / "call.wav"
    await worker.client.record("r1", str(path), ["a"], ["b"])
    await asyncio.gather(a.talk(sine(440, 60), 60), b.talk(sine(1000, 60), 60))
    running, rate = soundfile.read(path, dtype="int16")
    assert rate == 8000
    assert len(running) > 0
    result = await worker.client.stop_record("r1")
    sound, _ = soundfile.read(path, dtype="int16")
    assert result["error"] is None
    assert result["seconds"] == pytest.approx(1.2, abs=0.3)
    left, right = np.asarray(sound[1600:], np.int16).T
    assert abs(loudest_hz(left) - 440) < 10
    assert abs(loudest_hz(right) - 1000) < 10


async def test_a_recording_that_cannot_be_written_is_told_and_the_call_goes_on(worker: Running) -> None:
    phone = await worker.call("a")
    worker.client.echo("a", on=True)
    await worker.client.record("r1", "/proc/nowhere/call.wav", ["a"], [])
    failed = await worker.wait_for(RecordingFailed)
    assert failed.recording == "r1"
    await phone.talk(sine(440), 20)
    assert len(phone.heard) >= 18
    assert (await worker.client.stop_record("r1"))["error"]


async def test_s8_a_strangers_packets_are_dropped(worker: Running) -> None:
    phone = await worker.call("a")
    worker.client.echo("a", on=True)
    await phone.talk(sine(440), 10)
    stranger = Phone()
    worker.phones.append(stranger)
    stranger.leg_port = phone.leg_port
    phone.heard.clear()
    for _ in range(200):
        stranger.send(bytes(160))
    await phone.talk(sine(440), 10)
    stranger.listen()
    assert stranger.heard == []
    assert len(phone.heard) >= 9
    assert (await worker.client.close_leg("a"))["strangers"] == 200


async def test_a_report_tells_the_loss_that_was_injected(worker: Running) -> None:
    phone = await worker.call("a")
    await phone.talk(sine(440), 100, lambda frame: frame % 5 == 2)
    report = await worker.client.close_leg("a")
    assert (report["packets_received"], report["lost"], report["loss_percent"]) == (80, 20, 20)
    assert report["jitter_ms"] < 25
    assert 1 < report["mos"] < 3.5
    assert report["seconds_since_last_packet"] is not None


async def test_ipv6_legs_work(worker: Running) -> None:
    phone = await worker.call("a", host="::1")
    worker.client.echo("a", on=True)
    await phone.talk(sine(440), 10)
    await asyncio.sleep(0.05)
    phone.listen()
    assert len(phone.heard) == 10


async def test_refused_orders_say_why(worker: Running) -> None:
    await worker.client.open("a", "127.0.0.1")
    with pytest.raises(BadCommand, match="open already"):
        await worker.client.open("a", "127.0.0.1")
    with pytest.raises(BadCommand, match=r"no IP address"):
        await worker.client.open("b", "no address")
    with pytest.raises(UnknownLeg):
        await worker.client.close_leg("b")
    with pytest.raises(UnknownLeg):
        await worker.client.record("r", "x.wav", ["b"], [])
    worker.client.join("b", "room")
    failed = await worker.wait_for(CommandFailed)
    assert (failed.do, failed.leg, failed.code) == ("join", "b", "unknown_leg")


async def test_orders_are_carried_out_within_milliseconds(worker: Running) -> None:
    await worker.call("a")
    loop = asyncio.get_running_loop()
    took = []
    for _ in range(50):
        began = loop.time()
        await worker.client.statistics()
        took.append(loop.time() - began)
        await asyncio.sleep(0.003)
    assert float(np.median(took)) < 0.01


async def test_no_socket_is_left_after_many_legs(worker: Running) -> None:
    await worker.client.statistics()
    before = len(list(Path(f"/proc/{worker.process.pid}/fd").iterdir()))
    used: set[int] = set()
    for round_ in range(5):
        names = [f"{round_}-{leg}" for leg in range(40)]
        ports = await asyncio.gather(*(worker.client.open(name, "127.0.0.1") for name in names))
        assert len(set(ports)) == 40
        assert all(port % 2 == 0 for port in ports)
        await asyncio.gather(*(worker.client.close_leg(name) for name in names))
        used.update(ports)
    assert len(list(Path(f"/proc/{worker.process.pid}/fd").iterdir())) <= before
    assert all(is_free(port) for port in used)


async def test_the_next_switch_finds_a_clean_worker(worker: Running, tmp_path: Path) -> None:
    phone = await worker.call("a")
    await worker.client.record("r1", str(tmp_path / "call.wav"), ["a"], [])
    await phone.talk(sine(440), 20)
    worker.client.close()
    running = Running(worker.process, worker.path)
    running.client = await MediaClient.connect(str(worker.path), running.events.append)
    statistics = await running.client.statistics()
    assert (statistics["legs"], statistics["recordings"]) == (0, 0)
    running.client.close()
    sound, _ = soundfile.read(tmp_path / "call.wav")
    assert len(sound) >= 15 * FRAME


async def test_a_worker_that_is_killed_leaves_a_playable_recording_and_is_missed(
    worker: Running, tmp_path: Path
) -> None:
    phone = await worker.call("a")
    await worker.client.record("r1", str(tmp_path / "call.wav"), ["a"], [])
    await phone.talk(sine(440), 120)
    worker.process.kill()
    assert await worker.wait_for(WorkerLost) == WorkerLost()
    with pytest.raises(WorkerGone):
        await worker.client.open("b", "127.0.0.1")
    sound, rate = soundfile.read(tmp_path / "call.wav")
    assert len(sound) / rate > 1.2


async def test_sigterm_ends_a_worker_in_order(worker: Running, tmp_path: Path) -> None:
    phone = await worker.call("a")
    await worker.client.record("r1", str(tmp_path / "call.wav"), ["a"], [])
    await phone.talk(sine(440), 20)
    worker.process.terminate()
    async with asyncio.timeout(WITHIN):
        assert await worker.process.wait() == 0
    sound, _ = soundfile.read(tmp_path / "call.wav")
    assert len(sound) >= 15 * FRAME
    assert not worker.path.exists()


async def test_a_port_range_that_is_used_up_is_told_and_recovers(tmp_path: Path) -> None:
    running = await start(tmp_path / "media.sock", "auto", free_range(8))
    for leg in "abcd":
        await running.client.open(leg, "127.0.0.1")
    with pytest.raises(PortsExhausted):
        await running.client.open("e", "127.0.0.1")
    await running.client.close_leg("a")
    await running.client.open("e", "127.0.0.1")
    running.client.close()
    running.process.terminate()
    await running.process.wait()


async def test_a_worker_ends_when_its_parent_dies(tmp_path: Path) -> None:
    path = tmp_path / "media.sock"
    script = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-m', 'media.worker', '--socket', {str(path)!r},"
        " '--ports', '33100-33199', '--log-level', 'error'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    async with asyncio.timeout(WITHIN):
        while not path.exists():
            await asyncio.sleep(0.02)
        parent.kill()
        await parent.wait()
        while is_running(pid):
            await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_second_worker_does_not_take_the_socket_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "media.sock"
    running = await start(path, "poll")
    command = [sys.executable, "-m", "media.worker", "--socket", str(path)]
    second = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=subprocess.PIPE)
    _, text = await second.communicate()
    assert second.returncode == 78
    assert b"cannot listen" in text
    await running.client.statistics()
    running.client.close()
    running.process.send_signal(signal.SIGINT)
    assert await running.process.wait() == 0


async def test_a_hostile_line_cuts_the_connection_and_not_the_worker(tmp_path: Path) -> None:
    path = tmp_path / "media.sock"
    running = await start(path, "poll")
    running.client.close()
    for line in (
        b"{}\n" * 3,
        b"[1]\n",
        b"\xff\xfe\n",
        b"x" * 100_000,
        b'{"do":"open","leg":5,"id":1}\n',
        b"[" * 60000 + b"\n",
    ):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line)
        await asyncio.sleep(0.05)
        writer.close()
        del reader
    running.client = await MediaClient.connect(str(path), running.events.append)
    assert (await running.client.statistics())["legs"] == 0
    running.client.close()
    running.process.terminate()
    assert await running.process.wait() == 0


def test_the_errors_have_codes_of_their_own() -> None:
    assert RecordingError("x").code == "recording"
