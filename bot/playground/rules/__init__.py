"""Discord's rules: pure checks of the bodies that a bot sends."""
