"""Places where rules decide, and caches that they rule; see rhodes_rule."""
from rhodes_rule import *  # pylint: disable=wildcard-import,unused-wildcard-import
from rhodes_rule import __all__  # pylint: disable=unused-import
