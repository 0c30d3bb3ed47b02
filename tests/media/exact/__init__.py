"""Packet-exact: every octet that the engine sends, against twins that work one packet and one sample at a time."""
