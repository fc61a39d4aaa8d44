"""Translated sentences and labels for users, made from the data of the layers below."""
