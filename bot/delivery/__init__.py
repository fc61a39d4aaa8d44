"""Sending status messages, results and copies to members; knows nothing of discord.py."""
