"""`python -m pytest_cachekit`: the command `cachekit`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # A project's own `json.py` is not for us.
    if not sys.flags.safe_path:
        del sys.path[0]
    from .cli.command import main

    main()
