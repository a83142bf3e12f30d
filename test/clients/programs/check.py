"""What the Python programs share: a check that ends the program when it fails."""
import sys
import time


def check(what, actual, expected):
    if actual != expected or type(actual) is not type(expected):
        sys.exit(f"{what}: expected {expected!r:.200}, got {actual!r:.200}")


def eventually(what, is_true):
    """Waits for what takes the server's clock a second or two."""
    deadline = time.monotonic() + 10
    while not is_true():
        if time.monotonic() > deadline:
            sys.exit(f"{what}: not within 10 s")
        time.sleep(0.05)


def passed(step):
    print(step, flush=True)
