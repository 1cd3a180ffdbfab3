"""Policy instruments, one a file, found by scan: facts in, Transfers out."""
