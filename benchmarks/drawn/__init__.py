"""Drawn videos for benchmarks: what happens in them, and when, is known."""
