"""The implementation of `zimagine imagine`: plan, generate and write pictures."""
