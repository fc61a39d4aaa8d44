"""The real renderer. Only this package and `engine.sketch`'s training import torch."""
