"""Turn typed input into a fully specified image request, without Discord or the database."""
