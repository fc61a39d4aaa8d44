"""Generate pictures: from words, from source images, and from pictures that are there."""
