"""Sentences for the reasons of refusals; a module for each in `bot.request.reasons`."""
