"""The running bot: its parts wired together, started, kept in order, shut down."""
