"""Why a request is refused, as data, by subject; `bot.wording.reasons` has a module for each."""
