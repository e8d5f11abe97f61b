"""Measurements of speed and memory, each beside a reference that runs in turns with it on the same machine."""
