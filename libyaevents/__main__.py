"""`python -m libyaevents`: the command `libyaevents`, where its script is not on the path."""

import sys

from libyaevents.cli import main

sys.exit(main())
