"""What a server's admins do not want painted: words and patterns in prompts, and pictures."""
