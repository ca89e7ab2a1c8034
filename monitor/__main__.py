"""`python -m monitor` is the command `monitor`."""

from monitor.cli.app import main

if __name__ == "__main__":
    main()
