"""Where money is counted: accounts, bills, the journal and the checks."""
