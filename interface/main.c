/* rhodes-interface - `rhodes interface` as a program of its own, so that the
 * command line does not carry a compiler's front end. */
#include "generator.h"

int main(int argc, char **argv)
{
	return rh_interface_main(argc - 1, argv + 1);
}
