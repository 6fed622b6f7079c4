"""Cgroups of either version, as a test makes and reads them; none of the product's code."""
import contextlib
import errno
import os
import time

V2 = "cgroup2"


def lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def mounts():
    """Each hierarchy: its type, where it is mounted, which group is seen there, options."""
    for line in lines("/proc/self/mountinfo"):
        front, back = line.split(" - ", 1)
        words, (kind, _, options) = front.split(), back.split(" ", 2)
        if kind.startswith("cgroup"):
            yield kind, words[4], words[3], options.split(",")


def path_of(controller, pid="self"):
    """In which group a process is; controller "" is version 2."""
    for line in lines(f"/proc/{pid}/cgroup"):
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return path
    return None


def folder_of(controller, pid="self"):
    """The folder of that group; None where there is no such hierarchy."""
    for kind, mount, top, options in mounts():
        if (controller in options) if controller else kind == V2:
            path = path_of(controller, pid)
            if path is not None and path.startswith(top):
                return mount + (path if top == "/" else path[len(top):]).rstrip("/")
    return None


def can_make(folder):
    """Is the folder one in which this process may make groups?"""
    probe = os.path.join(folder, f"probe-{os.getpid()}")
    try:
        os.mkdir(probe)
    except OSError:
        return False
    os.rmdir(probe)
    return True


def hierarchy_of_cpu():
    """"cpu" or "" (version 2), where groups with weights can be made; None elsewhere."""
    folder = folder_of("cpu")
    if folder:
        return "cpu" if can_make(folder) else None
    folder = folder_of("")
    if folder and path_of("") == "/" and can_make(folder) and \
            "cpu" in lines(os.path.join(folder, "cgroup.controllers"))[0].split():
        return ""
    while folder and os.path.exists(os.path.join(folder, "cgroup.procs")):
        handed = lines(os.path.join(folder, "cgroup.subtree_control"))
        if handed and "cpu" in handed[0].split() and can_make(folder):
            return ""
        folder = os.path.dirname(folder)
    return None


def enter(folder, pid):
    with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as file:
        file.write(str(pid))


def remove(folder, back):
    """Removes a group; who is in it goes back, and who ends may take a while: the kernel tells
    nobody."""
    while True:
        try:
            os.rmdir(folder)
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        for pid in lines(os.path.join(folder, "cgroup.procs")):
            with contextlib.suppress(ProcessLookupError):
                enter(back, pid)
        time.sleep(0.01)


@contextlib.contextmanager
def group(controller, name):
    """A group of the test's own, below the one that it is in."""
    own = folder_of(controller)
    folder = os.path.join(own, f"{name}-{os.getpid()}")
    os.mkdir(folder)
    try:
        yield folder
    finally:
        remove(folder, own)


def hierarchy_of_freezer():
    """"freezer" or "" (version 2), where groups can be made that stop; None elsewhere."""
    return next((controller for controller in ("freezer", "")
                 if (folder := folder_of(controller)) and can_make(folder)), None)


@contextlib.contextmanager
def frozen(folder):
    """Who is in the group does not run meanwhile."""
    path, words = os.path.join(folder, "freezer.state"), ("THAWED", "FROZEN")
    if not os.path.exists(path):
        path, words = os.path.join(folder, "cgroup.freeze"), ("0", "1")

    def put(is_frozen):
        with open(path, "w", encoding="ascii") as file:
            file.write(words[is_frozen])

    put(True)
    try:
        yield
    finally:
        put(False)
