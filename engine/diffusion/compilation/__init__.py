"""Compile the repeated blocks of a transformer, in another process, for the pictures to come.

A block is compiled once for all of its kind: its weights are arguments of what is compiled, so
weights may be moved, streamed for a phase or loaded again, and one file in the cache serves every
model of the same architecture. What is compiled has no conditions that are checked at each call and
is never compiled again on its own: a call that it was not made for takes the plain block.
"""
