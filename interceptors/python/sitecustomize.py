"""Lets programs that know nothing of Rhodes import resources (rhodes_hook.py).

`rhodes run` puts the folder of this file in front of PYTHONPATH.  A sitecustomize that was
there before runs as ever: this one gives it its place back.
"""
import os
import sys


def _chain():
    """Runs the sitecustomize that this one hides, in its place."""
    here = os.path.dirname(os.path.abspath(__file__))
    hidden = [folder for folder in sys.path if os.path.abspath(folder) == here]
    for folder in hidden:
        sys.path.remove(folder)
    this = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # pylint: disable=import-self,unused-import
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = this


def _hook():
    """Programs run as ever when this Python is none that the hook can be loaded in."""
    try:
        import rhodes_hook
    except ImportError as error:
        if "RHODES_HOOK_DEBUG" in os.environ:
            print(f"rhodes: resources cannot be imported: {error}", file=sys.stderr)
    else:
        rhodes_hook.install()


_hook()
_chain()
