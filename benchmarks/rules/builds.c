#include "builds.h"

#include "../../base/diag.h"
#include "../../base/memory.h"
#include "../../rules/wasm/build.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const build_names[BUILDS] = {
	"native gcc -O2", "wasm, GS", "wasm, portable", "wasm, GS, fuel",
};

void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static uint8_t *read_file(const char *name, const char *end, size_t *ret_len)
{
	const char *folder = strncmp(name, "tree", 4) == 0 ? OWN : LIBRARY;
	char        path[512];
	struct stat status;
	uint8_t    *bytes;
	int         fd;

	snprintf(path, sizeof path, "%s/%s.%s", folder, name, end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		die(path);
	bytes = malloc((size_t)status.st_size);
	if (!bytes || read(fd, bytes, (size_t)status.st_size) != status.st_size)
		die(path);
	close(fd);
	*ret_len = (size_t)status.st_size;
	return bytes;
}

int object_of(const char *name, const struct rh_hook *hook, int build)
{
	size_t          len;
	uint8_t        *bytes = read_file(name, build == NATIVE ? "so" : "wasm", &len);
	struct rh_built built;
	struct rh_diag  diag;
	struct rh_build job = {
		.hook = hook, .module = bytes, .module_bytes = len,
		.is_portable = build == PORTABLE, .has_fuel = build == FUEL,
	};

	if (build == NATIVE)
		built.fd = rh_memory_freeze(bytes, len);
	else if (rh_build_run(&job, &built, &diag) < 0)
		die(diag.text);
	free(bytes);
	return built.fd;
}

struct rh_rule *load(int fd, const struct rh_hook *hook, int build)
{
	struct rh_rule_source source = {
		.hook = hook, .mode = build == NATIVE ? RH_RULE_NATIVE : RH_RULE_WASM,
		.object_fd = fd, .limits = { .fuel = build == FUEL ? UINT32_MAX : 0 },
	};
	struct rh_rule *rule;
	struct rh_diag  diag;

	if (rh_rule_load(&source, &rule, &diag) < 0)
		die(diag.text);
	return rule;
}
