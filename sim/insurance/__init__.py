"""Social insurance as arithmetic: ages, pensions, transfers, worth and the balance of a fund. No money moves here."""
