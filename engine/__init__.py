"""Text in, pictures out. Knows no Discord and no SQL."""
