"""The real bot in a storm of faults, judged from outside; and for hours without any."""
