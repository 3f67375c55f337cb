"""`python -m openingbell` is `bell`."""

from openingbell.cli import main

if __name__ == "__main__":
    main()
