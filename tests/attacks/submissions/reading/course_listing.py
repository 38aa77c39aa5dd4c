"""Lists the course's folders."""

import os

raise RuntimeError(f"BREACHED: {os.listdir('@COURSE@/assignments/target')}")
