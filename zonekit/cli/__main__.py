"""``python -m zonekit.cli``."""

from zonekit.cli import main

if __name__ == "__main__":
    main()
