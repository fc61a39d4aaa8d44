"""From what a person typed to a request that is decided in full. Pure; no Discord, no database."""
