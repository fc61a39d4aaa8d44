"""What the bot's event loop is kept busy with, measured in the real bot under load."""
