"""Slash commands and context menus: thin callbacks that parse, call a service and show the
outcome."""
