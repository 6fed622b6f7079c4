#!/usr/bin/python3
"""Makes a jar of Java sources, the same bytes each time.

    make_jar.py --javac JAVAC --jar JAR --out FILE --temporary DIR [--classpath JAR]...
                [--attribute NAME=VALUE]... [--headers DIR] SOURCE...

--headers: where the C declarations of native methods go.
"""
import argparse
import os
import shutil
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("javac", "jar", "out", "temporary"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--classpath", action="append", default=[])
    parser.add_argument("--headers")
    parser.add_argument("--attribute", action="append", default=[])
    parser.add_argument("sources", nargs="+")
    options = parser.parse_args()
    classes = os.path.join(options.temporary, "classes")
    shutil.rmtree(classes, ignore_errors=True)
    os.makedirs(classes)
    headers = ["-h", options.headers] if options.headers else []
    subprocess.run([options.javac, "--release", "17", "-Xlint:all", "-Werror", "-d", classes,
                    "-classpath", ":".join(options.classpath), *headers, *options.sources], check=True)
    manifest = os.path.join(options.temporary, "manifest")
    with open(manifest, "w", encoding="ascii") as file:
        for attribute in options.attribute:
            name, _, value = attribute.partition("=")
            file.write(f"{name}: {value}\n")
    subprocess.run([options.jar, "--create", "--file", options.out, "--manifest", manifest,
                    "--date", "2020-01-01T00:00:00Z", "-C", classes, "."], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
