"""What the browser talks to: the page's files, its socket, its acts."""
