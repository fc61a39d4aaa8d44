"""Why a request is refused, as data, by subject; `bot.wording` has a module for each."""
