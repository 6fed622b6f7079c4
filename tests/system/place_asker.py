#!/usr/bin/python3
"""A program with places where rules decide: for each line "KEY TEXT" of its input what
the rule of that key answers, and how it is called; "-" when there is none."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../sdk/python"))

from rhodes_rule import Place, RuleError  # pylint: disable=wrong-import-position


def main():
    places = {}
    for line in sys.stdin:
        key, question = line.split()
        if key not in places:
            places[key] = Place(key)
        try:
            answer = places[key].ask(question.encode())
        except RuleError as error:
            answer = str(error.errno).encode()
        print("-" if answer is None else answer.hex(), places[key].rule or "-", flush=True)


main()
