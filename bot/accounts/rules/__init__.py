"""Who may paint where and with what: one ordered list of rules for each server."""
