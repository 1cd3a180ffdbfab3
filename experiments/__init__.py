"""Running, varying, comparing and showing. Never imported by `sim` or `agents`."""
