"""The running bot: its parts are wired together, started, maintained and shut down here."""
