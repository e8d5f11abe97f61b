"""Faults done to a real service, each with the bar it is held to."""
