"""What the bot adds to painting, against the playground's Discord. Nothing of it runs in a bot."""
