"""The child process of `trial`: run as a script, it imports nothing of this project.

It reads what it is asked from its input as JSON, and writes the answer to its output.
"""

import json
import os
import runpy
import sys


def _volunteer() -> None:
    """Be the first to be killed where memory runs out, before the process that started this."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as stream:  # noqa: PTH123
            stream.write("1000")
    except OSError:
        pass  # there is none, or not for us


def main() -> None:
    """Answer what is asked."""
    asked = json.load(sys.stdin)
    # What the runtime prints must not stand in the answer.
    output = os.dup(1)
    os.dup2(2, 1)
    _volunteer()
    sys.path[:] = asked["path"]
    try:
        attempt = runpy.run_path(asked["script"])["attempt"]
        answer = {"returned": attempt(asked["request"])}
    except Exception as error:
        answer = {"raised": f"{type(error).__name__}: {error}"}
    with os.fdopen(output, "wb") as stream:
        stream.write(json.dumps(answer).encode())
    # What a runtime does as Python ends is of no interest any more.
    os._exit(0)


if __name__ == "__main__":
    main()
