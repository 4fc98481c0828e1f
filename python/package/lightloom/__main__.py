"""The command line: `python -m lightloom`, which is the command `lightloom`."""

import signal
import sys

from lightloom._lightloom import run_command


def main() -> int:
    """Run the command line of this process and return its exit code."""
    # Python would only note Ctrl-C until the command returns: here it ends the command, or what the command makes of it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
