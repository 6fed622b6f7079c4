/* A program that finds libmagic at run time, as plug-ins are found. */
#include "magic_walk.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define SYMBOL(member, name) { #name, offsetof(struct magic_library, member) }

static const struct {
	const char *name;
	size_t      offset;
} symbols[] = {
	SYMBOL(open, magic_open),
	SYMBOL(close, magic_close),
	SYMBOL(load, magic_load),
	SYMBOL(error, magic_error),
	SYMBOL(error_number, magic_errno),
	SYMBOL(setflags, magic_setflags),
	SYMBOL(setparam, magic_setparam),
	SYMBOL(getparam, magic_getparam),
	SYMBOL(by_name, magic_file),
	SYMBOL(by_descriptor, magic_descriptor),
	SYMBOL(by_buffer, magic_buffer),
	SYMBOL(version, magic_version),
};

int main(void)
{
	struct magic_library library;
	void *handle = dlopen("libmagic.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
		void *symbol = dlsym(handle, symbols[i].name);

		if (!symbol) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		memcpy((char *)&library + symbols[i].offset, &symbol, sizeof symbol);
	}
	int result = magic_walk(&library);

	dlclose(handle);
	return result;
}
