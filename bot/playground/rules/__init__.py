"""What Discord accepts: pure checks of the bodies that a bot sends."""
