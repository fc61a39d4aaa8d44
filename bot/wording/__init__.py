"""Sentences for people, in the reader's language, made from the data of the layers below."""
