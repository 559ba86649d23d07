"""`python -m softswitch` is the same as `softswitch`."""

import sys

from softswitch.cli import main

sys.exit(main())
