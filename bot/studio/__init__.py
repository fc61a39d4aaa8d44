"""The use cases. Import no discord; answer Accepted or Refused for all that a person can cause."""
