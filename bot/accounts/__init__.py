"""What a person may do, has left, and has chosen: permissions, quotas, settings."""
