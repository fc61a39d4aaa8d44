"""Work on the bot's event loop, measured in the real bot under load."""
