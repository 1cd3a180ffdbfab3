"""Markets, one a file, found by scan: orders in, a Clearing out. No market keeps a memory."""
