"""What can go wrong with a call, as exceptions.

The words, the code's name (`error.code`, "ELOST") and whether the call may have run
(`error.ran`) are those of librhodes; docs/api.md explains the codes.
"""

__all__ = ["RhodesError", "RhodesLostError", "RhodesTimeoutError", "RhodesRefusedError",
           "RhodesInterfaceError", "RhodesRaisedError"]


class RhodesError(Exception):
    """A call that failed."""

    def __init__(self, text, code="EUNKNOWN", number=0, ran=False):
        super().__init__(text)
        self.text = text
        self.code = code
        self.number = number
        self.ran = ran


class RhodesLostError(RhodesError, ConnectionError):
    """The callee was lost, or is not there."""


class RhodesTimeoutError(RhodesError, TimeoutError):
    """The deadline passed."""


class RhodesRefusedError(RhodesError, PermissionError):
    """A rule, or the identity of this process, does not allow it."""


class RhodesInterfaceError(RhodesError):
    """Caller and callee do not agree on the function, or it cannot be carried."""


class RhodesRaisedError(RhodesError):
    """The callee's function raised: `language`, `type`, `message` and `stack` are its."""

    def __init__(self, text, code="ERAISED", number=0, ran=True,
                 raised=("", "", "", "")):
        super().__init__(text, code, number, ran)
        self.language, self.type, self.message, self.stack = raised
        if self.stack.strip():  # a traceback shows notes
            self.add_note(f"raised in {self.language}:\n{self.stack.rstrip()}")


KINDS = {
    RhodesLostError: ("ELOST", "EGONE", "EDOWN"),
    RhodesTimeoutError: ("ETIMEDOUT",),
    RhodesRefusedError: ("ELAYER", "ENOEDGE", "EREVOKED", "ERULE", "EIDENT", "EACCES",
                         "EPERM", "EPENDING", "EOUTDATED"),
    RhodesInterfaceError: ("EFUNC", "EINTERFACE", "ENOCARRY", "EVERSION"),
}
CLASSES = {code: kind for kind, codes in KINDS.items() for code in codes}
