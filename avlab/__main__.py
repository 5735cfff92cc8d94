"""`python -m avlab` is the same as the command `avlab`."""

from avlab.cli import main

if __name__ == "__main__":
    main()
