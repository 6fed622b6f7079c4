"""What the callee raised, in one line, and whether its stack is shown by who shows mine."""
import sys
import traceback

import rhodes

try:
    rhodes.open(sys.argv[1]).raises_error("four")
except rhodes.RhodesRaisedError as error:
    shown = "".join(traceback.format_exception(error))
    print(error.language, error.type, error.message,
          int(bool(error.stack) and error.stack.strip() in shown), sep="|")
