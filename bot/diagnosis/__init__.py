"""Checks of the machine, the model, the data folder and the settings, as findings without words."""
