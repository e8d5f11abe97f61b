"""What `make check` asks of documents and settings, and `make written` writes.

python -m tools check     dead links, parts of documents that are not as the code says, settings that nobody reads
python -m tools write     writes those parts
"""

from __future__ import annotations

import argparse
import sys

from tools import links, unread, written


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["check", "write"])
    if parser.parse_args().what == "write":
        written.write()
    wrong = [*written.wrong(), *links.wrong(), *unread.wrong()]
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
