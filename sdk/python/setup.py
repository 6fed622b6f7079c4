"""The extension of the package: see pyproject.toml for the rest.

It is linked with librhodes: the one that pkg-config knows or, with RHODES_SOURCE and
RHODES_BUILD, that of a source tree and its build.
"""
import glob
import os
import subprocess

from setuptools import Extension, setup


def pkg_config(*words):
    done = subprocess.run(["pkg-config", *words, "rhodes"], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise SystemExit("librhodes is not installed (pkg-config does not know it); of a"
                         " build tree say RHODES_SOURCE and RHODES_BUILD")
    return done.stdout.strip()


def places():
    """Folders of headers, and of the library."""
    if "RHODES_BUILD" in os.environ:
        return ([os.environ["RHODES_SOURCE"]],
                [os.path.join(os.environ["RHODES_BUILD"], "sdk", "c")])
    return ([os.path.join(pkg_config("--variable=includedir"), "rhodes")],
            [pkg_config("--variable=libdir")])


headers, libraries = places()
setup(
    ext_modules=[Extension(
        "rhodes._core", sorted(glob.glob("native/*.c")), depends=["native/native.h"],
        define_macros=[("Py_LIMITED_API", "0x030B0000"), ("_GNU_SOURCE", None)],
        include_dirs=headers, library_dirs=libraries, libraries=["rhodes"],
        extra_compile_args=["-std=c17", "-fvisibility=hidden"], py_limited_api=True)],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
