#!/usr/bin/python3
"""A service that is written in Python alone: its interface comes of its type hints, and
programs in other languages call it."""
import os
import shutil
import subprocess
import unittest

from python_stage import PythonStage

PRICING = '''
from dataclasses import dataclass


@dataclass
class Offer:
    price: float
    count: int


def price(article: str, count: int) -> float:
    if count < 0:
        raise ValueError(f"{count} of {article}: there are no negative orders")
    return 2.5 * count


def offer(article: str, count: int) -> Offer:
    return Offer(price(article, count), count)
'''
ORDER = """
#include <stdio.h>
#include <errno.h>
#include "pricing.h"

int main(void)
{
	struct Offer made = offer("pears", 4);
	double       none;

	printf("%.2f %.2f %d\\n", price("apples", 3), made.price, (int)made.count);
	errno = 0;
	none = price("apples", -1);
	printf("%d\\n", none != none && errno != 0);
	return 0;
}
"""
UNMODIFIED = """
import pricing, sys
print(pricing.price("apples", 3), pricing.offer("pears", 4))
try:
    pricing.price("apples", -1)
except Exception as error:
    print(type(error).__name__, error.type, error.message)
"""


class Declared(PythonStage):
    def test_a_file_of_python_becomes_a_service(self):
        os.mkdir(self.path("service"))
        self.path("service/pricing.py", PRICING)
        self.ok("interface", "new", self.path("service/pricing.py"), "-d", self.folder)
        self.ok("up", "--detach", self.path("pricing.yaml"))
        said = self.python("pricing_user", "-c", UNMODIFIED)
        self.assertEqual(said, "7.5 Offer(price=10.0, count=4)\nRhodesRaisedError ValueError"
                         " -1 of apples: there are no negative orders\n")
        # A C program is linked with the shadow library, as there is no other.
        self.ok("interface", "build", self.path("pricing.side"), "-d", self.path("built"))
        self.path("order.c", ORDER)
        subprocess.run([shutil.which("cc"), "-o", self.path("order"), self.path("order.c"),
                        "-L" + self.path("built/lib"), "-lpricing",
                        "-Wl,--allow-shlib-undefined"], check=True)
        done = self.rhodes("run", "pricing_user", "--", self.path("order"))
        self.assertEqual(done.stdout, "7.50 10.00 4\n1\n", done.stderr)
        self.assertIn("pricing raised ValueError: -1 of apples", done.stderr)


if __name__ == "__main__":
    unittest.main()
