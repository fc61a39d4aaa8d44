"""Jobs from acceptance to their end: generate, vary, cancel, complete."""
