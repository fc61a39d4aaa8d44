"""The real painter: the only code, with `engine.sketch`'s training, that imports torch."""
