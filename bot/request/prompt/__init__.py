"""Read what was typed as a prompt: flags, choices in braces, and what was pasted."""
