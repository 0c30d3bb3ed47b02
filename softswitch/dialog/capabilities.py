"""What our side of a dialog can do, as the header fields that say so (RFC 3261 20.5, 20.37)."""

METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "UPDATE", "REFER")
"""Methods served inside a dialog."""

OPTION_TAGS = ("199", "norefersub")
"""Extensions that we understand: 199 ends an early dialog (RFC 6228), a REFER may want no NOTIFY (RFC 4488)."""

ALLOW = ("Allow", ", ".join(METHODS))
SUPPORTED = ("Supported", ", ".join(OPTION_TAGS))
ACCEPT = ("Accept", "application/sdp")
