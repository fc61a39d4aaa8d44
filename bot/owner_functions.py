"""Load a function of the owner's own that a setting names."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


class BadFunction(Exception):
    """The function cannot be used; str() is a part of a sentence that says why."""


def load_function(name: str) -> Callable[..., Any]:
    """Return the function that "module:function" names. Imports the module. Raises BadFunction."""
    module_name, colon, function = name.partition(":")
    if not (module_name and colon and function):
        raise BadFunction('write it as "module:function"')
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever a module of the owner's does
        raise BadFunction(
            f"the module {module_name} cannot be imported ({type(error).__name__}: {error})"
        ) from error
    found = getattr(module, function, None)
    if not callable(found):
        raise BadFunction(f"the module {module_name} has no function {function}")
    return found
