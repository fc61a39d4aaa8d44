"""What keeps the bot's event loop busy, measured in the real bot under load."""
