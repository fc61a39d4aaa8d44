"""Weights in fewer bits than the model computes in, as their writers store them.

`descriptions` reads what a file says of its layers, `layouts` turns stored numbers back into
weights, and `scales` joins each weight with the tensors that belong to it, or refuses it by name.
"""
