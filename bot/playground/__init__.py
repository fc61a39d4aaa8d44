"""A strict local stand-in for Discord, with a page that shows the bot at work in it."""
