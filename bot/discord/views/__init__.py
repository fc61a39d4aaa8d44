"""Layouts, buttons and modals as pure functions of data."""
