"""`python -m bot` is `zimagine`."""

from bot.cli import main

if __name__ == "__main__":
    main()
