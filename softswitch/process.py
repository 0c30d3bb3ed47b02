"""What every process of the switch does for itself: write its log, and end when its parent is gone."""

import ctypes
import gc
import logging
import os
import signal
import sys

import structlog

PR_SET_PDEATHSIG = 1  # prctl(2)
REFUSED = 78  # exit code EX_CONFIG of sysexits.h: cannot start, and starting again will not help
COLLECT_AFTER = (10_000, 10, 10)
"""New objects until the youngest generation is looked through for cycles, and how many times a generation is until the
next older one is. A call leaves some hundred objects behind for half a minute (the transactions that absorb what is
repeated); with Python's 700 a sixth of the CPU goes into looking through them again and again."""


def configure_log(level: str | None = None) -> None:
    """One line per event on standard error; `SOFTSWITCH_LOG=debug` says more.

    Tracebacks come without the values of variables, among which passwords are.
    """
    name = (level or os.environ.get("SOFTSWITCH_LOG", "info")).upper()
    number = logging.getLevelNamesMapping().get(name, logging.INFO)
    logging.basicConfig(level=max(number, logging.WARNING), format="%(asctime)s [%(levelname)s] %(name)s %(message)s")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(number),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("%Y-%m-%d %H:%M:%S"),
            structlog.processors.StackInfoRenderer(),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def end_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent dies, so that no process outlives the switch it belongs to."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def spare_collector() -> None:
    """Once everything is built: never look through it for cycles again, and through what follows less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
