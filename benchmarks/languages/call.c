/* call - textstat from C: WHAT is `rhodes`, by the shadow library that stands in front, or
 * `library`, by the library itself, when nothing does. */
#include "call.h"

#include "../../examples/languages/textstat.h"

int main(int argc, char **argv)
{
	return argc == 3 ? call_measure(ts_add, atoi(argv[2])) : 2;
}
