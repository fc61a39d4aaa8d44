"""A day of a public server: hundreds of members, admins who decide, kills and erasures, and a
reference that says what must come of it."""
