"""Who decides: institutions and populations. They speak the words of `sim` and never see the model."""
