"""`zimagine imagine`: from arguments to pictures on the disk."""
