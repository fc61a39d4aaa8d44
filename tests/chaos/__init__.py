"""Chaos and soak tests: the real bot under faults and kills, or for hours without any."""
