"""A strict local stand-in for Discord, and a chat page that shows the bot at work in it."""
