/* A program that is linked against libmagic. */
#include "magic_walk.h"

int main(void)
{
	static const struct magic_library library = {
		.open = magic_open, .close = magic_close, .load = magic_load,
		.error = magic_error, .error_number = magic_errno,
		.setflags = magic_setflags, .setparam = magic_setparam,
		.getparam = magic_getparam, .by_name = magic_file,
		.by_descriptor = magic_descriptor, .by_buffer = magic_buffer,
		.version = magic_version,
	};

	return magic_walk(&library);
}
