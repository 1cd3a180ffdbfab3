"""Network-constrained clearing. Arrays in, arrays out: an engine knows no market and no actor."""
