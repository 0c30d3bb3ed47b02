"""A visitor who calls with pyVoIP, always in a process of its own: pyVoIP is under the GPL.

Started as `python -m softswitch.demo.pyvoip_caller ORDER`; the order is JSON as `main` reads it. pyVoIP cannot press
keys and learns nothing of queues, so a visitor calls the queue and stays until the agent hangs up.
"""

import json
import os
import resource
import signal
import sys
import threading
import time
import warnings
from typing import Any

import numpy as np
import pyVoIP
from pyVoIP.VoIP import VoIPPhone

from softswitch.demo import script, voices
from softswitch.demo.child import say_ready
from softswitch.process import end_with_parent

MEMORY_LIMIT = 2 << 30
"""Octets of address space: pyVoIP allocates memory for every jump of a timestamp."""
SAMPLES = 160  # of one packet
FRAME = 0.02  # seconds of one packet
SETUP = 10.0
"""Seconds for a call to be answered; pyVoIP never learns of most refusals."""


class Visitor:
    """A phone that calls again and again."""

    def __init__(self, order: dict[str, Any]) -> None:
        # pyVoIP encodes PCMA with the table of PCMU, so it may know PCMU only.
        pyVoIP.RTPCompatibleCodecs = [pyVoIP.RTP.PayloadType.PCMU, pyVoIP.RTP.PayloadType.EVENT]
        self._order = order
        first, last = order["rtp_ports"]
        self._phone = VoIPPhone(
            "127.0.0.1", order["server_port"], order["number"], f"demo-{order['number']}", myIP="127.0.0.1",
            sipPort=order["sip_port"], rtpPortLow=first, rtpPortHigh=last,
        )  # fmt: skip
        self._voice = _eight_bits(order["voice"])
        self._told = threading.Event()

    def run(self) -> str | None:
        """Register and call until told to end; why it cannot be, in one sentence."""
        signal.signal(signal.SIGTERM, lambda *_: self._told.set())
        self._phone.start()
        if self._phone.get_status().value != "REGISTERED":
            return f"{self._order['number']} could not register."
        say_ready()
        until = time.monotonic() + self._order["calling"]
        for errand in script.errands(self._order["number"], self._order["seed"], by_menu=False):
            if self._told.wait(errand.pause):
                break
            if time.monotonic() > until:
                self._told.wait()
                break
            self._visit(errand)
        self._phone.stop()
        return None

    def _visit(self, errand: script.Errand) -> None:
        """One call, until the agent hangs up."""
        call = self._phone.call(errand.called)
        give_up = time.monotonic() + SETUP
        while call.state.value == "DIALING":
            if time.monotonic() > give_up or self._told.wait(FRAME):
                return
        self._talk(call, time.monotonic() + SETUP + errand.patience)
        if call.state.value == "ANSWERED":
            call.hangup()

    def _talk(self, call: Any, until: float) -> None:
        """Speak in real time, a tenth of a second ahead."""
        said, due = 0, time.monotonic() - 0.1
        while call.state.value == "ANSWERED" and time.monotonic() < until and not self._told.wait(FRAME):
            while due < time.monotonic():
                call.write_audio(self._voice[said : said + SAMPLES])
                said = (said + SAMPLES) % len(self._voice)
                due += FRAME


def _eight_bits(path: str) -> bytes:
    """What the visitor says: pyVoIP wants unsigned octets, in whole packets."""
    pcm = voices.load(path)
    pcm = pcm[: len(pcm) // SAMPLES * SAMPLES]
    return (pcm // 256 + 128).astype(np.uint8).tobytes()


def main() -> None:
    """Entry of the process: `python -m softswitch.demo.pyvoip_caller ORDER`."""
    end_with_parent()
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    failure = Visitor(json.loads(sys.argv[1])).run()
    if failure:
        print(failure, file=sys.stderr, flush=True)
    os._exit(1 if failure else 0)  # pyVoIP's threads would keep the process


if __name__ == "__main__":
    main()
