"""What admins run a server with: its audit log, pauses, status, cancelling and first settings."""
