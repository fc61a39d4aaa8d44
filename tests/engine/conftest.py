"""What the tests of the engine share."""

from hypothesis import settings

# A busy machine is no bug: properties are not timed.
settings.register_profile("engine", deadline=None, max_examples=80)
settings.load_profile("engine")
