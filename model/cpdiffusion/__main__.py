"""``python -m cpdiffusion`` is the command line."""

import sys

from cpdiffusion.cli import main

sys.exit(main())
