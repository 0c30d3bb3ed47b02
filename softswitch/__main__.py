"""`python -m softswitch` is the command `softswitch`."""

from softswitch.cli import main

main()
