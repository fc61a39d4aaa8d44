"""How the tensors of Z-Image's components are called by whoever wrote the file.

One module for each component: it translates any known name to the one that the model's own class
uses. `groups` finds the components in a file, `other_models` recognises files of other models.
"""
