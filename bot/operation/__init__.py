"""What the bot's owners do to it while it runs, from Discord."""
