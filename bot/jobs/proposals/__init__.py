"""Proposals: requests that are kept until the question about them is answered."""
