"""What stands on the ground: buses, lines, links, rivers, stores and cities."""
