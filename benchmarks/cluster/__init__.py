"""Faults done to a cluster of real processes, each with the bar it is held to; and what a cluster costs."""
