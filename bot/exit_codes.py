"""Exit codes that service managers and scripts can rely on (after sysexits.h)."""

OK = 0
BAD_INPUT = 2
UNAVAILABLE = 69
"""Something required is missing: the model, a device, or a valid token."""
RESTART = 75
"""This process cannot continue, but a new one can: restart it."""
BAD_CONFIG = 78
INTERRUPTED = 130
"""What shells report for a program that Ctrl-C ended: 128 + SIGINT."""
