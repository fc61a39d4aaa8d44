"""Pictures that were generated: the gallery, their recipes, their file names."""
