"""Offer and answer for one audio stream (RFC 3264). Pure: descriptions in, descriptions and decisions out.

SRTP with keys in the description (RFC 4568) is `required`, `preferred` or `off`. Required offers RTP/SAVP; preferred
offers RTP/AVP with a=crypto, as most telephones do, so that one that knows nothing of keys answers without (one that
refuses this is asked once more as if it were required: `call.ring`). Whoever offers RTP/SAVP is
answered with it or refused, and what is encrypted once never becomes plain again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv4Address, ip_address

from softswitch.sip import crypto
from softswitch.sip.crypto import Crypto, SrtpKeys, SrtpPolicy, is_secure
from softswitch.sip.errors import BadSdp, NotAcceptable
from softswitch.sip.sdp import STATIC, Encoding, MediaSection, Origin, Sdp

# Codes of the Warning header (RFC 3261 section 20.43).
INCOMPATIBLE_ADDRESS = 301
NO_SUCH_MEDIA = 304
INCOMPATIBLE_FORMAT = 305

# Codecs by name, with the payload type that everybody knows them by (RFC 3551), or that we choose.
CODECS: dict[str, tuple[int, Encoding]] = {
    **{name: (number, STATIC[number]) for name, number in (("PCMU", 0), ("PCMA", 8), ("G722", 9), ("GSM", 3))},
    "OPUS": (96, Encoding("opus", 48000, 2)),  # RFC 7587 section 7: always two channels, whatever is sent
    "L16": (97, Encoding("L16", 16000)),  # RFC 3551 section 4.5.11
}
_PARAMETERS = {"OPUS": "useinbandfec=1;maxaveragebitrate=32000;maxplaybackrate=16000;stereo=0"}
"""What we tell the peer of our decoders (RFC 7587 section 6.1)."""
TELEPHONE_EVENT = Encoding("telephone-event", 8000)
COMFORT_NOISE_TYPE = 13
COMFORT_NOISE = STATIC[COMFORT_NOISE_TYPE]
_WITH_NOISE = ("PCMU", "PCMA", "G722")
"""Codecs of the clock of 8 kHz that say nothing of pauses themselves (RFC 3389 section 1)."""
TELEPHONE_EVENT_TYPE = 101
"""Payload type that we offer for events when nothing else is settled: what nearly everybody uses."""
_EVENTS = "0-15"
"""Events that we can do: the sixteen keys (RFC 4733 section 3.2)."""

_CAN_SEND = frozenset(("sendrecv", "sendonly"))
_CAN_RECEIVE = frozenset(("sendrecv", "recvonly"))
_MIN_PTIME, _MAX_PTIME = 10, 200
"""Milliseconds; a wish outside is not followed."""
_BROADCAST = IPv4Address("255.255.255.255")


@dataclass(slots=True)
class Codec:
    """One codec as agreed."""

    name: str
    """Upper case: "PCMU", "OPUS"."""
    clock_rate: int = 8000
    channels: int = 1
    payload_type: int = 0
    fmtp: str | None = None


@dataclass(slots=True)
class LocalMedia:
    """What we have to offer on one leg."""

    address: str
    """Literal address where we receive."""
    port: int
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    """Names in order of preference."""
    telephone_event: bool = True
    comfort_noise: bool = False
    """Whether we offer RFC 3389 comfort noise; it is answered whenever it is offered."""
    ptime: int = 20
    """Milliseconds of one packet that we like to receive."""
    session_id: int = 1
    version: int = 1
    """Version of the first description; later ones count on from the previous."""
    name: str = "softswitch"
    srtp: SrtpPolicy = "off"


@dataclass(slots=True)
class Negotiated:
    """What both sides agreed on, seen from our side."""

    codec: Codec
    """Its payload type is the one that we send with."""
    receive_payload_type: int
    dtmf_send: int | None
    """Payload type of telephone-event towards the peer; None when the peer does not take it."""
    dtmf_receive: int | None
    remote_host: str
    remote_port: int
    direction: str
    """Ours: "sendrecv", "sendonly", "recvonly" or "inactive"."""
    held: bool
    """The peer holds us: it does not want to hear us now."""
    ptime: int
    """Milliseconds of one packet that we send."""
    srtp: SrtpKeys | None = None
    """None: plain RTP."""
    comfort_noise: bool = False
    """Both may send RFC 3389 comfort noise, payload type 13, beside the codec."""


@dataclass(slots=True)
class _Remote:
    """One audio section of the peer, understood."""

    section: MediaSection
    host: str
    encodings: dict[int, Encoding]
    """By payload type, in the peer's order of preference."""
    sends: bool
    hears: bool
    """The peer wants to hear us: held neither by direction nor by 0.0.0.0 (RFC 3264 section 8.4)."""
    cryptos: list[Crypto] = field(default_factory=list)
    """Lines of keys that we could use; empty: the sound is plain."""

    def find(self, wanted: Encoding) -> int | None:
        """Return the first payload type that stands for an encoding."""
        return _find(self.encodings, wanted)


def make_offer(local: LocalMedia, direction: str = "sendrecv", previous: bytes | None = None) -> bytes:
    """Write an offer.

    Parameters
    ----------
    direction
        Ours: "sendonly" puts the peer on hold.
    previous
        The description that we sent last in this session. Its sections stay at their places, its payload types and
        its keys keep their meaning, and the version goes up by one only when something differs (RFC 3264 section 8).
    """
    before = None if previous is None else Sdp.parse(previous)
    codecs = [CODECS[name] for name in local.codecs]
    if local.comfort_noise and not {*_WITH_NOISE}.isdisjoint(local.codecs):
        codecs.append((COMFORT_NOISE_TYPE, COMFORT_NOISE))
    if before is None or not before.media:
        event = TELEPHONE_EVENT_TYPE if local.telephone_event else None
        protocol = "RTP/SAVP" if local.srtp == "required" else "RTP/AVP"
        keys = [] if local.srtp == "off" else crypto.make_offer_lines()
        return _write(local, [_write_section(local, protocol, codecs, event, direction, keys)], before)
    place = _audio_place(before)
    settled = before.media[place].encodings
    codecs = [(_settled_type(settled, number, encoding), encoding) for number, encoding in codecs]
    event = _event_type(settled) if local.telephone_event else None
    keys = crypto.read_lines(before.media[place].attributes("crypto"))
    protocol = before.media[place].protocol if keys else "RTP/AVP"
    section = _write_section(local, protocol, codecs, event, direction, keys)
    media = [section if index == place else _refuse(old) for index, old in enumerate(before.media)]
    return _write(local, media, before)


def answer_offer(
    offer: bytes,
    local: LocalMedia,
    direction: str = "sendrecv",
    previous: bytes | None = None,
    agreed: SrtpKeys | None = None,
) -> tuple[bytes, Negotiated]:
    """Answer an offer: the first usable audio section is taken, every other one refused with port 0.

    Parameters
    ----------
    direction
        What we want at most; the answer never goes beyond what the offer allows.
    previous
        As for `make_offer`: with it the version counts on.
    agreed
        The keys in use. Ours stays while the peer's stays; with another one of his we take another one too.

    Returns
    -------
    answer, negotiated
        The answer has as many sections as the offer, in its order, and one codec: the first of ours that is offered.

    Raises
    ------
    BadSdp
        The offer cannot be read.
    NotAcceptable
        It has nothing for us; answer 488 with `error.warning`.
    """
    theirs = Sdp.parse(offer)
    place, remote, codec = _choose(theirs, local)
    event = remote.find(TELEPHONE_EVENT) if local.telephone_event else None
    ours = _meet(remote, direction)
    types = [(codec.payload_type, CODECS[codec.name][1])]
    noise = _has_noise(remote.encodings) and codec.name in _WITH_NOISE
    if noise:
        types.append((COMFORT_NOISE_TYPE, COMFORT_NOISE))
    keys = crypto.answer(remote.cryptos, agreed)
    lines = [Crypto(remote.cryptos[0].tag, keys.suite, keys.send)] if keys else []
    accepted = _write_section(local, remote.section.protocol, types, event, ours, lines)
    media = [accepted if index == place else _refuse(other) for index, other in enumerate(theirs.media)]
    answer = _write(local, media, None if previous is None else Sdp.parse(previous))
    negotiated = _agree(remote, local, codec, codec.payload_type, (event, event), ours, held=not remote.hears)
    negotiated.srtp, negotiated.comfort_noise = keys, noise
    return answer, negotiated


def accept_answer(offer: bytes, answer: bytes, local: LocalMedia) -> Negotiated:
    """Understand the answer to our offer.

    Raises
    ------
    BadSdp
        The answer cannot be read, or does not belong to the offer.
    NotAcceptable
        The peer refused the audio, answered with a codec that we did not offer, or without a key where one is due.
    """
    ours, theirs = Sdp.parse(offer), Sdp.parse(answer)
    if len(ours.media) != len(theirs.media) or not ours.media:
        raise BadSdp("The answer has another number of media sections than the offer")
    place = _audio_place(ours)
    offered = ours.media[place].encodings
    lines = crypto.read_lines(ours.media[place].attributes("crypto"))
    # What was offered counts, not what we like: a call that is encrypted stays so.
    secure = is_secure(ours.media[place].protocol)
    policy: SrtpPolicy = "required" if secure or local.srtp == "required" else "preferred" if lines else "off"
    remote = _understand(theirs, theirs.media[place], replace(local, srtp=policy), offered)
    keys = crypto.match_answer(lines, remote.cryptos, remote.section.attributes("crypto"))
    for number, encoding in remote.encodings.items():
        receive = _find(offered, encoding)
        name = encoding.name.upper()
        if receive is None or name not in CODECS:
            continue
        parameters = remote.section.parameters.get(number)
        codec = Codec(name, encoding.clock_rate, encoding.channels, number, parameters)
        wanted = ours.direction_of(ours.media[place])
        held = wanted in _CAN_SEND and not remote.hears
        negotiated = _agree(remote, local, codec, receive, _events(remote, offered), _meet(remote, wanted), held=held)
        negotiated.srtp = keys
        negotiated.comfort_noise = name in _WITH_NOISE and _has_noise(offered) and _has_noise(remote.encodings)
        return negotiated
    raise NotAcceptable("No codec in common", INCOMPATIBLE_FORMAT)


def _choose(theirs: Sdp, local: LocalMedia) -> tuple[int, _Remote, Codec]:
    """Find the first audio section that we can take; raises what was wrong with the first candidate.

    Where we like SRTP the sections that are offered with it come first.
    """
    problem = None
    sections = list(enumerate(theirs.media))
    if local.srtp != "off":
        sections.sort(key=lambda pair: not is_secure(pair[1].protocol))
    for place, section in sections:
        if section.kind != "audio" or not section.port:
            continue
        try:
            remote = _understand(theirs, section, local, {})
            return place, remote, _choose_codec(remote, local)
        except NotAcceptable as error:
            problem = problem or error
    raise problem or NotAcceptable("No audio offered", NO_SUCH_MEDIA)


def _choose_codec(remote: _Remote, local: LocalMedia) -> Codec:
    for name in local.codecs:
        encoding = CODECS[name][1]
        number = remote.find(encoding)
        if number is not None:
            parameters = remote.section.parameters.get(number)
            return Codec(name, encoding.clock_rate, encoding.channels, number, parameters)
    raise NotAcceptable("No codec in common", INCOMPATIBLE_FORMAT)


def _understand(theirs: Sdp, section: MediaSection, local: LocalMedia, offered: dict[int, Encoding]) -> _Remote:
    """Check that we can send to a section at all: kind, port, profile, address.

    A payload type of an answer that has no rtpmap means what the offer said it means (`offered`).
    """
    if section.kind != "audio" or not section.port:
        raise NotAcceptable("No audio", NO_SUCH_MEDIA)
    cryptos = crypto.choose(section.protocol, section.attributes("crypto"), local.srtp)
    connection = theirs.connection_of(section)
    version, is_unspecified = _read_host(connection.address)
    family = 6 if ":" in local.address else 4
    if version != family and not is_unspecified:
        raise NotAcceptable("Another address family is in use here", INCOMPATIBLE_ADDRESS)
    known = {**offered, **section.encodings}
    direction = theirs.direction_of(section)
    return _Remote(
        section=section,
        host=connection.address,
        encodings={number: known[number] for number in section.payload_types if number in known},
        sends=direction in _CAN_SEND,
        hears=direction in _CAN_RECEIVE and not is_unspecified,
        cryptos=cryptos,
    )


@lru_cache(1024)
def _read_host(text: str) -> tuple[int, bool]:
    """Return the version of a literal unicast address, and whether it is 0.0.0.0 or "::"."""
    try:
        address = ip_address(text)
    except ValueError:
        raise NotAcceptable("Only literal addresses are supported", INCOMPATIBLE_ADDRESS) from None
    if address.is_multicast or address == _BROADCAST:
        raise NotAcceptable("Only unicast addresses are supported", INCOMPATIBLE_ADDRESS)
    return address.version, address.is_unspecified


def _find(encodings: dict[int, Encoding], wanted: Encoding) -> int | None:
    for number, encoding in encodings.items():
        if encoding is wanted or encoding.is_same(wanted):
            return number
    return None


def _has_noise(encodings: dict[int, Encoding]) -> bool:
    """Whether comfort noise is among them, by the only number that it has at 8 kHz (RFC 3389 section 4)."""
    return COMFORT_NOISE.is_same(encodings.get(COMFORT_NOISE_TYPE, TELEPHONE_EVENT))


def _events(remote: _Remote, offered: dict[int, Encoding]) -> tuple[int | None, int | None]:
    """Return the payload types of events towards the peer and from it; both or none."""
    send, receive = remote.find(TELEPHONE_EVENT), _find(offered, TELEPHONE_EVENT)
    return (None, None) if send is None or receive is None else (send, receive)


def _meet(remote: _Remote, wanted: str) -> str:
    """Meet the peer's direction and ours (RFC 3264 section 6.1)."""
    receive = wanted in _CAN_RECEIVE and remote.sends
    if wanted in _CAN_SEND and remote.hears:
        return "sendrecv" if receive else "sendonly"
    return "recvonly" if receive else "inactive"


def _agree(
    remote: _Remote,
    local: LocalMedia,
    codec: Codec,
    receive: int,
    events: tuple[int | None, int | None],
    direction: str,
    *,
    held: bool,
) -> Negotiated:
    ptime = remote.section.ptime or local.ptime
    return Negotiated(
        codec=codec,
        receive_payload_type=receive,
        dtmf_send=events[0],
        dtmf_receive=events[1],
        remote_host=remote.host,
        remote_port=remote.section.port,
        direction=direction,
        held=held,
        ptime=ptime if _MIN_PTIME <= ptime <= _MAX_PTIME else local.ptime,
    )


def _audio_place(sdp: Sdp) -> int:
    """Return the index of the audio section that is in use."""
    in_use = [place for place, section in enumerate(sdp.media) if section.kind == "audio" and section.port]
    return in_use[0] if in_use else 0


def _settled_type(settled: dict[int, Encoding], number: int, encoding: Encoding) -> int:
    """Return the payload type that a codec has in this session already, else its usual one, else a free one."""
    known = _find(settled, encoding)
    if known is not None:
        return known
    return number if number not in settled else _free_type(settled)


def _free_type(taken: dict[int, Encoding]) -> int:
    usual = {number for number, _ in CODECS.values()}
    return next((number for number in range(127, 95, -1) if number not in taken and number not in usual), 127)


def _event_type(taken: dict[int, Encoding]) -> int:
    """Return the payload type for events: the settled one, or one that means nothing else yet."""
    settled = _find(taken, TELEPHONE_EVENT)
    if settled is not None:
        return settled
    free: list[int] = [number for number in (TELEPHONE_EVENT_TYPE, *range(96, 128)) if number not in taken]
    return free[0] if free else TELEPHONE_EVENT_TYPE


def _write_section(
    local: LocalMedia,
    protocol: str,
    codecs: list[tuple[int, Encoding]],
    event: int | None,
    direction: str,
    keys: Sequence[Crypto] = (),
) -> MediaSection:
    types = codecs if event is None else [*codecs, (event, TELEPHONE_EVENT)]
    section = MediaSection("audio", local.port, protocol, [str(number) for number, _ in types])
    section.lines = [("a", f"crypto:{key.to_value()}") for key in keys]
    section.lines += [("a", f"rtpmap:{number} {encoding}") for number, encoding in types]
    section.lines += [
        ("a", f"fmtp:{number} {_PARAMETERS[encoding.name.upper()]}")
        for number, encoding in codecs
        if encoding.name.upper() in _PARAMETERS
    ]
    if event is not None:
        section.lines.append(("a", f"fmtp:{event} {_EVENTS}"))
    section.lines += [("a", f"ptime:{local.ptime}"), ("a", direction)]
    return section


def _refuse(section: MediaSection) -> MediaSection:
    return MediaSection(section.kind, 0, section.protocol, section.formats[:1] or ["0"])


def _write(local: LocalMedia, media: list[MediaSection], before: Sdp | None) -> bytes:
    """Write a description of ours; the version counts up from the previous one only when something else differs."""
    family = "IP6" if ":" in local.address else "IP4"
    origin = Origin("-", local.session_id, local.version, family, local.address)
    if before is not None:
        origin.session_id, origin.version = before.origin.session_id, before.origin.version
    sdp = Sdp(media=media)
    sdp.lines = [("o", str(origin)), ("s", local.name), ("c", f"IN {family} {local.address}"), ("t", "0 0")]
    if before is not None and str(sdp) != str(before):
        origin.version += 1
        sdp.lines[0] = ("o", str(origin))
    return sdp.to_bytes()
