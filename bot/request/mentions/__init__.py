"""Names in place of Discord's codes for members, channels, emoji and times."""
