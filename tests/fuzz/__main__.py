"""Run the targets one after the other with atheris, each for its share of the time; what is found stops everything.

    python -m tests.fuzz SECONDS [TARGET...]

The octets that broke something are kept as crash-* in .fuzz/TARGET/; a test with them belongs into the suite.
"""

import subprocess
import sys
from pathlib import Path

from tests.fuzz.seeds import seeds

FOLDER = Path(".fuzz")
MAX_INPUT = 8192
"""Octets of one input."""
SLOWEST = 5
"""Seconds that one input may take."""


def fuzz(target: str, seconds: int) -> None:
    """Fuzz one target in this process; it does not return."""
    import atheris

    with atheris.instrument_imports(include=["softswitch"]):
        from tests.fuzz.targets import TARGETS

    corpus = FOLDER / target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds().get(target, [])):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-max_len={MAX_INPUT}", f"-timeout={SLOWEST}", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={corpus}/", "-verbosity=0", str(corpus)], TARGETS[target])
    atheris.Fuzz()


def main() -> int:
    """Each target in a process of its own."""
    if sys.argv[1:2] == ["--one"]:
        fuzz(sys.argv[2], int(sys.argv[3]))
    from tests.fuzz.targets import TARGETS

    seconds, chosen = int(sys.argv[1]), sys.argv[2:] or list(TARGETS)
    for target in chosen:
        print(f"--- {target}: {seconds // len(chosen)} s", flush=True)
        done = subprocess.run([sys.executable, "-m", "tests.fuzz", "--one", target, str(seconds // len(chosen))])
        if done.returncode:
            print(f"{target}: found something; the input is in {FOLDER / target}")
            return 1
    print(f"{len(chosen)} targets, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
