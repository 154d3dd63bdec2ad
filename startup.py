"""What the command `matinee` begins with: loads all of it while nobody looks for garbage, which takes a sixth of the time."""

import gc

gc.disable()

from cli import main  # noqa: E402 - that is the point

gc.enable()

if __name__ == "__main__":
    main()
