"""The slash commands: thin callbacks, parse → studio → present."""
