"""A trouble that lasts is told once and its end once: a line for every attempt would hide everything else."""

import logging


class Alarm:
    """The lines in the log about one thing that may be out of order for a while."""

    def __init__(self, log: logging.Logger) -> None:
        """``log`` is the logger of whoever has the trouble."""
        self._log = log
        self._told = ""

    def ring(self, trouble: str, consequence: str) -> None:
        """Tell of a trouble, unless it is the one told last."""
        if trouble != self._told:
            self._told = trouble
            self._log.warning("%s %s", trouble, consequence)

    def clear(self, text: str) -> None:
        """Tell that it is over, when there was any."""
        if self._told:
            self._told = ""
            self._log.warning("%s", text)
