"""The world and its rules. Knows no agent class; `sim.model` is the only door to those who decide."""
