"""The command line: analyse a video here or at a service, see to a service's sessions, start one, check a machine."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is something to leave behind, Ctrl-C simply ends it

from commands.door import main

if __name__ == "__main__":
    sys.exit(main())
