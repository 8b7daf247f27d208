"""Runs an emulator's `main` and ends it, with everything it started, when standard input closes.

The other end of that pipe belongs to the test that started it, so an emulator never outlives its test: not even one that was killed.
"""

import importlib
import os
import signal
import sys
import threading


def wait_for_the_end():
    sys.stdin.buffer.read()
    # The group is this emulator's own: it was made for it.
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    module, function = sys.argv[1].split(":")
    sys.argv = sys.argv[1:]
    threading.Thread(target=wait_for_the_end, daemon=True).start()
    getattr(importlib.import_module(module), function)()
