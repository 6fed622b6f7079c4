#include "rules_fixture.h"

#include "../../base/memory.h"
#include "../../base/sanitized.h"
#include "../../model/error.h"
#include "../../rules/hook.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OBJECTS_MAX 96

const char fixture_filter_head[] =
	"(module (import \"rhodes\" \"now\" (func $now (result i64)))"
	" (import \"rhodes\" \"log\" (func $log (param i32 i32)))"
	" (memory (export \"memory\") 2)"
	" (func (export \"rh_abi\") (result i32) i32.const 65537)"
	" (func (export \"rh_buffer\") (result i32) i32.const 0)";

bool fixture_has_tools(void)
{
	static const char *const tools[] = {
		"/usr/bin/wat2wasm", "/usr/bin/wasm-validate", "/usr/bin/wasm2c", "/usr/bin/gcc",
	};

	for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++) {
		if (access(tools[i], X_OK) == 0)
			continue;
		printf("skipped: %s is not installed (apt-get install wabt gcc)\n", tools[i]);
		return false;
	}
	return true;
}

uint8_t *fixture_read(const char *path, size_t *ret_len)
{
	struct stat status;
	int         fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t    *bytes;

	if (fd < 0 || fstat(fd, &status) < 0 || !(bytes = malloc((size_t)status.st_size + 1)) ||
	    read(fd, bytes, (size_t)status.st_size) != status.st_size) {
		perror(path);
		abort();
	}
	close(fd);
	*ret_len = (size_t)status.st_size;
	return bytes;
}

uint8_t *fixture_assemble(const char *wat, size_t *ret_len)
{
	char     in[] = "/tmp/rules-fixture-XXXXXX.wat", out[sizeof in + 8];
	char     command[256];
	int      fd = mkstemps(in, 4);
	uint8_t *bytes;

	snprintf(out, sizeof out, "%s.wasm", in);
	snprintf(command, sizeof command, "wat2wasm --no-check -o %s %s", out, in);
	if (fd < 0 || write(fd, wat, strlen(wat)) != (ssize_t)strlen(wat) ||
	    system(command) != 0)
		abort();
	close(fd);
	bytes = fixture_read(out, ret_len);
	unlink(in);
	unlink(out);
	return bytes;
}

int fixture_build(const uint8_t *module, size_t len, unsigned flags)
{
	struct rh_build build = {
		.hook = rh_hook_find("filter"),
		.module = module,
		.module_bytes = len,
		.memory_bytes = 256u << 20,
		.capabilities = UINT32_MAX,
		.has_fuel = flags & FIXTURE_FUEL,
		.is_portable = flags & FIXTURE_PORTABLE,
	};
	struct rh_built built;
	struct rh_diag  diag;

	if (rh_build_run(&build, &built, &diag) < 0) {
		fprintf(stderr, "%s\n", diag.text);
		abort();
	}
	return built.fd;
}

int fixture_object(const char *rest, unsigned flags)
{
	static struct {
		const char *rest;
		unsigned    flags;
		int         fd;
	} objects[OBJECTS_MAX];
	static size_t count;
	char          text[8192];
	size_t        len;
	uint8_t      *module;

	for (size_t i = 0; i < count; i++)
		if (objects[i].flags == flags && strcmp(objects[i].rest, rest) == 0)
			return objects[i].fd;
	if (count == OBJECTS_MAX || (size_t)snprintf(text, sizeof text, "%s%s",
	                                             fixture_filter_head, rest) >= sizeof text)
		abort();
	module = fixture_assemble(text, &len);
	objects[count].rest = rest;
	objects[count].flags = flags;
	objects[count].fd = fixture_build(module, len, flags);
	free(module);
	return objects[count++].fd;
}

int fixture_freeze(const char *path)
{
	size_t   len;
	uint8_t *bytes = fixture_read(path, &len);
	int      fd = rh_memory_freeze(bytes, len);

	free(bytes);
	if (fd < 0)
		abort();
	return fd;
}

/* AddressSanitizer keeps what was freed, and a shadow of all that was ever used. */
static long status_kb(const char *key)
{
	char  line[256];
	long  kb = -1;
	FILE *file;

	if (RH_IS_SANITIZED)
		return 0;
	file = fopen("/proc/self/status", "re");
	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, key, strlen(key)) == 0)
			sscanf(line + strlen(key), "%ld", &kb);
	if (!file || kb < 0)
		abort();
	fclose(file);
	return kb;
}

static long count_lines(const char *path)
{
	FILE *file = fopen(path, "re");
	long  count = 0;
	int   byte;

	while (file && (byte = getc_unlocked(file)) != EOF)
		count += byte == '\n';
	if (!file)
		abort();
	fclose(file);
	return count;
}

static long count_entries(const char *path)
{
	DIR *folder = opendir(path);
	long count = 0;

	while (folder && readdir(folder))
		count++;
	if (!folder)
		abort();
	closedir(folder);
	return count;
}

struct fixture_usage fixture_usage(void)
{
	return (struct fixture_usage){
		.rss_kb = fixture_rss_kb(),
		.size_kb = fixture_size_kb(),
		.mappings = RH_IS_SANITIZED ? 0 : count_lines("/proc/self/maps"),
		.threads = count_entries("/proc/self/task"),
		.descriptors = count_entries("/proc/self/fd"),
	};
}

long fixture_rss_kb(void)
{
	return status_kb("VmRSS:");
}

long fixture_size_kb(void)
{
	return status_kb("VmSize:");
}
