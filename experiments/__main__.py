"""`python -m experiments` is `gridgig`."""

import sys

from experiments.cli import main

sys.exit(main())
