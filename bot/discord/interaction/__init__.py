"""Responses, error handling, and the services that every interaction needs."""
