"""The front-end: Discord, the command line, and the use cases behind both."""
