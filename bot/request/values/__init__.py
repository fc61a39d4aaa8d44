"""The values of a request as people write them: numbers, sizes, styles, parts of a picture."""
