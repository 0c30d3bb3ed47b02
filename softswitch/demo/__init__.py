"""The demonstration: a small office with real SIP phones, a minute of its calls, and what came of them."""
