"""The bot: Discord, the command line, and the services behind both."""
