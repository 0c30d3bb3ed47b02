"""Offer and answer for one audio stream (RFC 3264). Pure: descriptions in, descriptions and decisions out."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from softswitch.sip.errors import BadSdp, NotAcceptable
from softswitch.sip.sdp import STATIC, Encoding, MediaSection, Origin, Sdp

# Codes of the Warning header (RFC 3261 section 20.43).
INCOMPATIBLE_ADDRESS = 301
INCOMPATIBLE_TRANSPORT = 302
NO_SUCH_MEDIA = 304
INCOMPATIBLE_FORMAT = 305

# Codecs by name, with the payload type that everybody knows them by (RFC 3551).
CODECS: dict[str, tuple[int, Encoding]] = {
    name: (number, STATIC[number]) for name, number in (("PCMU", 0), ("PCMA", 8), ("G722", 9))
}
TELEPHONE_EVENT = Encoding("telephone-event", 8000)
TELEPHONE_EVENT_TYPE = 101
"""Payload type that we offer for events when nothing else is settled: what nearly everybody uses."""
_EVENTS = "0-15"
"""Events that we can do: the sixteen keys (RFC 4733 section 3.2)."""

# Plain RTP, with or without early feedback, which nobody has to send. Never a secure profile as if it were plain.
_PROTOCOLS = frozenset(("RTP/AVP", "RTP/AVPF"))
_CAN_SEND = frozenset(("sendrecv", "sendonly"))
_CAN_RECEIVE = frozenset(("sendrecv", "recvonly"))
_MAX_PTIME = 200


@dataclass(slots=True)
class Codec:
    """One codec as agreed."""

    name: str
    """Upper case: "PCMU", "PCMA"."""
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
    ptime: int = 20
    """Milliseconds of one packet that we like to receive."""
    session_id: int = 1
    version: int = 1
    """Version of the first description; later ones count on from the previous."""
    name: str = "softswitch"


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


def make_offer(local: LocalMedia, direction: str = "sendrecv", previous: bytes | None = None) -> bytes:
    """Write an offer.

    Parameters
    ----------
    direction
        Ours: "sendonly" puts the peer on hold.
    previous
        The description that we sent last in this session. Its sections stay at their places, its payload types keep
        their meaning, and the version goes up by one only when something differs (RFC 3264 section 8).
    """
    before = None if previous is None else Sdp.parse(previous)
    place = _audio_place(before) if before is not None else 0
    event = _event_type(before.media[place] if before is not None and before.media else None)
    codecs = [CODECS[name] for name in local.codecs]
    section = _write_section(local, "RTP/AVP", codecs, event if local.telephone_event else None, direction)
    media = [section]
    if before is not None:
        media = [section if index == place else _refuse(old) for index, old in enumerate(before.media)] or media
    return _write(local, media, before)


def answer_offer(
    offer: bytes, local: LocalMedia, direction: str = "sendrecv", previous: bytes | None = None
) -> tuple[bytes, Negotiated]:
    """Answer an offer: the first usable audio section is taken, every other one refused with port 0.

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
    place, codec = _choose(theirs, local)
    section = theirs.media[place]
    event = _find(section, TELEPHONE_EVENT) if local.telephone_event else None
    ours = _our_direction(theirs, section, direction)
    accepted = _write_section(
        local, section.protocol, [(codec.payload_type, CODECS[codec.name][1])], event, ours, section.kind
    )
    media = [accepted if index == place else _refuse(other) for index, other in enumerate(theirs.media)]
    answer = _write(local, media, None if previous is None else Sdp.parse(previous))
    return answer, _agree(theirs, section, local, codec, codec.payload_type, (event, event), ours)


def accept_answer(offer: bytes, answer: bytes, local: LocalMedia) -> Negotiated:
    """Understand the answer to our offer.

    Raises
    ------
    BadSdp
        The answer cannot be read, or does not belong to the offer.
    NotAcceptable
        The peer refused the audio or answered with a codec that we did not offer.
    """
    ours, theirs = Sdp.parse(offer), Sdp.parse(answer)
    if len(ours.media) != len(theirs.media):
        raise BadSdp("The answer has another number of media sections than the offer")
    place = _audio_place(ours)
    offered, section = ours.media[place], theirs.media[place]
    _check_section(theirs, section, local)
    offered_types = offered.encodings
    for number, encoding in _encodings_of_answer(section, offered_types):
        match = next((ours for ours, known in offered_types.items() if known.is_same(encoding)), None)
        name = encoding.name.upper()
        if match is None or name not in CODECS:
            continue
        codec = Codec(name, encoding.clock_rate, encoding.channels, number, section.parameters.get(number))
        events = (_find(section, TELEPHONE_EVENT, offered_types), _find(offered, TELEPHONE_EVENT))
        events = events if None not in events else (None, None)
        direction = _our_direction(theirs, section, ours.direction_of(offered))
        return _agree(theirs, section, local, codec, match, events, direction)
    raise NotAcceptable("No codec in common", INCOMPATIBLE_FORMAT)


def _choose(theirs: Sdp, local: LocalMedia) -> tuple[int, Codec]:
    """Find the first audio section that we can take; raises what was wrong with the first candidate."""
    problem = NotAcceptable("No audio offered", NO_SUCH_MEDIA)
    candidates = [place for place, section in enumerate(theirs.media) if section.kind == "audio" and section.port]
    for place in reversed(candidates):
        try:
            _check_section(theirs, theirs.media[place], local)
            _choose_codec(theirs.media[place], local)
        except NotAcceptable as error:
            problem = error
            candidates.remove(place)
    if not candidates:
        raise problem
    return candidates[0], _choose_codec(theirs.media[candidates[0]], local)


def _choose_codec(section: MediaSection, local: LocalMedia) -> Codec:
    parameters = section.parameters
    for name in local.codecs:
        encoding = CODECS[name][1]
        number = _find(section, encoding)
        if number is not None:
            return Codec(name, encoding.clock_rate, encoding.channels, number, parameters.get(number))
    raise NotAcceptable("No codec in common", INCOMPATIBLE_FORMAT)


def _check_section(theirs: Sdp, section: MediaSection, local: LocalMedia) -> None:
    """Check that we can send to a section at all: kind, port, profile, address."""
    if section.kind != "audio" or not section.port:
        raise NotAcceptable("No audio", NO_SUCH_MEDIA)
    if section.protocol.upper() not in _PROTOCOLS:
        raise NotAcceptable("Only plain RTP is supported", INCOMPATIBLE_TRANSPORT)
    connection = theirs.connection_of(section)
    address = _literal(connection.address)
    if address.is_multicast or address == IPv4Address("255.255.255.255"):
        raise NotAcceptable("Only unicast addresses are supported", INCOMPATIBLE_ADDRESS)
    if address.version != _literal(local.address).version and not address.is_unspecified:
        raise NotAcceptable("Another address family is in use here", INCOMPATIBLE_ADDRESS)


def _literal(address: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(address)
    except ValueError:
        raise NotAcceptable("Only literal addresses are supported", INCOMPATIBLE_ADDRESS) from None


def _encodings_of_answer(section: MediaSection, offered: dict[int, Encoding]) -> list[tuple[int, Encoding]]:
    """List the payload types of an answer; one without rtpmap means what the offer said it means."""
    known = section.encodings
    numbers = [int(text) for text in section.formats if text.isdigit()]
    return [
        (number, known.get(number) or offered[number]) for number in numbers if number in known or number in offered
    ]


def _find(section: MediaSection, wanted: Encoding, offered: dict[int, Encoding] | None = None) -> int | None:
    """Return the first payload type of a section that stands for an encoding."""
    pairs = _encodings_of_answer(section, offered or {})
    return next((number for number, encoding in pairs if encoding.is_same(wanted)), None)


def _our_direction(theirs: Sdp, section: MediaSection, wanted: str) -> str:
    """Meet the peer's direction and ours (RFC 3264 section 6.1)."""
    peer = theirs.direction_of(section)
    send = wanted in _CAN_SEND and _hears_us(theirs, section)
    receive = wanted in _CAN_RECEIVE and peer in _CAN_SEND
    if send:
        return "sendrecv" if receive else "sendonly"
    return "recvonly" if receive else "inactive"


def _hears_us(theirs: Sdp, section: MediaSection) -> bool:
    """Whether the peer wants to receive: not held by direction, nor by 0.0.0.0 (RFC 3264 section 8.4)."""
    return theirs.direction_of(section) in _CAN_RECEIVE and not theirs.connection_of(section).is_unspecified


def _agree(
    theirs: Sdp,
    section: MediaSection,
    local: LocalMedia,
    codec: Codec,
    receive: int,
    events: tuple[int | None, int | None],
    direction: str,
) -> Negotiated:
    ptime = section.ptime or local.ptime
    return Negotiated(
        codec=codec,
        receive_payload_type=receive,
        dtmf_send=events[0],
        dtmf_receive=events[1],
        remote_host=theirs.connection_of(section).address,
        remote_port=section.port,
        direction=direction,
        held=not _hears_us(theirs, section),
        ptime=ptime if ptime <= _MAX_PTIME else local.ptime,
    )


def _audio_place(sdp: Sdp) -> int:
    """Return the index of the audio section that is in use."""
    in_use = [place for place, section in enumerate(sdp.media) if section.kind == "audio" and section.port]
    return in_use[0] if in_use else 0


def _event_type(before: MediaSection | None) -> int:
    """Return the payload type for events: the settled one, or one that means nothing else yet."""
    if before is None:
        return TELEPHONE_EVENT_TYPE
    settled = _find(before, TELEPHONE_EVENT)
    if settled is not None:
        return settled
    taken = before.encodings
    return next(number for number in (TELEPHONE_EVENT_TYPE, *range(96, 128)) if number not in taken)


def _write_section(
    local: LocalMedia,
    protocol: str,
    codecs: list[tuple[int, Encoding]],
    event: int | None,
    direction: str,
    kind: str = "audio",
) -> MediaSection:
    types = codecs if event is None else [*codecs, (event, TELEPHONE_EVENT)]
    section = MediaSection(kind, local.port, protocol, [str(number) for number, _ in types])
    section.lines = [("a", f"rtpmap:{number} {encoding}") for number, encoding in types]
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
