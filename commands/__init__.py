"""What the command line does, a file for each command; `cli.py` is the door before it."""
