#!/usr/bin/python3
"""Packs the package of a build as a wheel, the same bytes each time; needs nothing but Python.

    make_wheel.py PYPROJECT README PLATFORM FOLDER CORE OUT

FOLDER: of the package's sources.  CORE: the extension that was built.
"""
import base64
import hashlib
import os
import sys
import tomllib
import zipfile

WHEEL = "Wheel-Version: 1.0\nGenerator: rhodes\nRoot-Is-Purelib: false\nTag: {tag}\n"
METADATA = """Metadata-Version: 2.1
Name: {name}
Version: {version}
Summary: {description}
License: {license}
Requires-Python: {requires}
Description-Content-Type: text/markdown

"""


def read(path):
    with open(path, "rb") as file:
        return file.read()


def contents(project, readme, tag, folder, core):
    """Names in the wheel, and bytes; what describes it comes last."""
    for name in sorted(os.listdir(os.path.join(folder, "rhodes"))):
        if name.endswith(".py"):
            yield f"rhodes/{name}", read(os.path.join(folder, "rhodes", name))
    yield "rhodes/" + os.path.basename(core), read(core)
    for name in ("rhodes_hook.py", "rhodes_rule.py"):
        yield name, read(os.path.join(folder, name))
    info = f"{project['name']}-{project['version']}.dist-info/"
    head = METADATA.format(name=project["name"], version=project["version"],
                           description=project["description"],
                           license=project["license"]["text"],
                           requires=project["requires-python"])
    yield info + "METADATA", head.encode() + read(readme)
    yield info + "WHEEL", WHEEL.format(tag=tag).encode()
    yield info + "top_level.txt", b"rhodes\nrhodes_hook\nrhodes_rule\n"


def record_of(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def main():
    pyproject, readme, platform, folder, core, out = sys.argv[1:]
    project = tomllib.loads(read(pyproject).decode())["project"]
    tag = f"cp311-abi3-linux_{platform}"
    record = ""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        def put(name, data):
            one = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            one.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
            one.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(one, data)

        for name, data in contents(project, readme, tag, folder, core):
            put(name, data)
            record += record_of(name, data)
        name = f"{project['name']}-{project['version']}.dist-info/RECORD"
        put(name, (record + f"{name},,\n").encode())


if __name__ == "__main__":
    main()
