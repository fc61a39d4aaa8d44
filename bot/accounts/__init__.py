"""Permissions, quotas, blocks and delivery settings of members."""
