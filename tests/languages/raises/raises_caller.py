"""What the callee raised, in one line."""
import sys

import rhodes

try:
    rhodes.open(sys.argv[1]).raises_error("four")
except rhodes.RhodesRaisedError as error:
    print(error.language, error.type, error.message, int(bool(error.stack)), sep="|")
