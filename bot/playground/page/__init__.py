"""The browser's side of the playground: static files, socket and user actions."""
