"""Read how other programs made a picture, from what they wrote into its file. Pure."""
