"""What buttons, menus and forms do when somebody uses them."""
