"""Gives numpy's linear algebra one thread. Imported first, because numpy reads this once, when it is loaded.

Matrices here have some hundred rows. Two threads wait for each other longer than they work on those, and take the core
from the decoder: counting a 41-second clip took 2.9 to 4.5 s with two, and 1.4 s with one.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
