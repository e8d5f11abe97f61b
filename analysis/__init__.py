"""Thinking room: pure functions on arrays of samples; no files, no model, no clock."""
