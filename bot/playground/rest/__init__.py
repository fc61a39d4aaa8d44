"""Discord's REST API, as far as a bot with slash commands uses it."""
