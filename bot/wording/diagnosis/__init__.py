"""Sentences for what `bot.diagnosis` finds: `sentences` is the way in."""
