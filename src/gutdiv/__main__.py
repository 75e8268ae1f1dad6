"""`python -m gutdiv`: the same door as the command `gutdiv`."""

from gutdiv.cli.app import process

if __name__ == "__main__":
    raise SystemExit(process())
