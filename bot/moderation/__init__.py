"""Reports, verdicts and blocks, and the messages that show them to moderators."""
