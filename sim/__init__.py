"""The world and its rules. Knows no agent class; `sim.model` is the only door to those who decide.

Imported before numpy it chooses one arithmetic for all x86 machines. OpenBLAS picks kernels and blocks by the
processor, and they round differently; where an hour has two right prices the last digit decides which is found.
"""

import os
import platform

if platform.machine() in ("x86_64", "AMD64"):
    os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")
    os.environ.setdefault("OPENBLAS_L2_SIZE", "512")  # kB; some virtual machines say none, and a chosen core then fails
