"""A server that raises, in Python."""


class Strange(Exception):
    pass


def raises_error(what: str) -> int:
    if what == "four":
        raise Strange("no number: grüß")
    return int(what)


def raises_panic(what: str) -> int:
    raise SystemExit(what)


def raises_twice(number: int) -> int:
    return 2 * number


def raises_tell(_what: int, _count: int) -> int:
    return 0


def raises_told():
    yield from ()
