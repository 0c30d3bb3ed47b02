"""Where the fuzzer begins: sound messages, and those of RFC 4475 where they are at hand."""

from pathlib import Path

MESSAGES = Path(__file__).parents[3] / "shared" / "data" / "rfc4475"
HEAD = (
    b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport\r\nMax-Forwards: 70\r\n"
    b'From: "A" <sip:101@localhost>;tag=a\r\n'
    b"To: <sip:102@localhost>\r\nCall-ID: a@b\r\nContact: <sip:101@192.0.2.1:5060;transport=udp>;expires=60\r\n"
)
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n"
    b"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n"
)
SAVP = SDP.replace(b"RTP/AVP", b"RTP/SAVP") + b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + b"A" * 40 + b"\r\n"
PROOF = (
    b'Digest username="101", realm="localhost", nonce="abc", uri="sip:x", response="0123456789abcdef0123456789abcdef", '
    b'algorithm=MD5, qop=auth, nc=00000001, cnonce="c"'
)


def request(method: bytes, body: bytes = b"", more: bytes = b"") -> bytes:
    """A whole request."""
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    kind = b"Content-Type: application/sdp\r\n" if body else b""
    return (
        method + b" sip:102@localhost SIP/2.0\r\n" + HEAD + b"CSeq: 1 " + method + b"\r\n" + more + kind + length + body
    )


def seeds() -> dict[str, list[bytes]]:
    """Examples for each target; a target that is not named begins with nothing."""
    methods = (b"INVITE", b"REGISTER", b"OPTIONS", b"SUBSCRIBE", b"BYE", b"ACK", b"CANCEL", b"REFER", b"MESSAGE")
    messages = [request(method) for method in methods]
    messages += [request(b"INVITE", SDP), request(b"REGISTER", more=b"Authorization: " + PROOF + b"\r\n")]
    messages += [b"SIP/2.0 200 OK\r\n" + HEAD + b"CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"]
    messages += [path.read_bytes() for path in sorted(MESSAGES.glob("*.dat"))]
    challenge = b'Digest realm="localhost", nonce="abc", algorithm=SHA-256, qop="auth,auth-int", opaque="x"'
    return {
        "parser": messages,
        "stream": [*messages, b"\r\n\r\n" + messages[0] * 3],
        "stack": messages,
        "sdp": [SDP, SAVP],
        "digest": [PROOF, challenge],
    }
