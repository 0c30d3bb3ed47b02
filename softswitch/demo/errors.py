"""What can go wrong with a demonstration."""


class DemoError(Exception):
    """The demonstration cannot go on; the text says why in one sentence."""
