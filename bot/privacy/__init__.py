"""What is stored of members: showing, handing out and erasing it, and servers that left."""
