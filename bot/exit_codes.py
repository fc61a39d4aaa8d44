"""Exit codes that service managers and scripts can rely on (after sysexits.h)."""

OK = 0
BAD_INPUT = 2
UNAVAILABLE = 69
"""Something needed is not there: the model, a device, Discord's consent to the token."""
RESTART = 75
"""The process is no longer of use and a new one will be: restart me."""
BAD_CONFIG = 78
