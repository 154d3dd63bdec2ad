"""What the command `matinee` begins with: all of it is loaded, and left, while nobody looks for garbage in it.

That takes a sixth of the time to load, and most of the time to end.
"""

import atexit
import gc

gc.disable()

from cli.main import main  # noqa: E402 - that is the point

gc.enable()
# Python would look through all that was loaded twice more before it lets go of it: half a second.
atexit.register(gc.freeze)

if __name__ == "__main__":
    main()
