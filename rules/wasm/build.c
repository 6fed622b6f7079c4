#include "build.h"

#include "../../base/clock.h"
#include "../../base/diag.h"
#include "../../base/memory.h"
#include "../hook.h"
#include "../limits.h"
#include "../module.h"
#include "../wasi.h"
#include "build_text.h"
#include "build_texts.h"
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define VALIDATE "/usr/bin/wasm-validate"
#define WASM2C   "/usr/bin/wasm2c"
#define CC       "/usr/bin/gcc"

struct work {
	const struct rh_build *build;
	struct rh_module       module;
	struct rh_jail         jail;
	char                   folder[PATH_MAX];
	uint64_t               end_ns;
	unsigned               missing; /* of what confines */
	struct rh_diag        *diag;
};

/* ---- files of the folder ---- */

static void path_of(const struct work *work, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.4000s/%s", work->folder, name);
}

static int write_file(const struct work *work, const char *name, const void *bytes,
                      size_t len)
{
	char  path[PATH_MAX];
	FILE *file;
	bool  is_written;

	path_of(work, name, path);
	file = fopen(path, "wbe");
	is_written = file && fwrite(bytes, 1, len, file) == len;
	if (file && fclose(file) != 0)
		is_written = false;
	if (!is_written)
		return rh_diag_set(work->diag, errno == ENOSPC ? RH_ENOSPC : RH_EIO, "%s: %s",
		                   path, strerror(errno));
	return RH_OK;
}

/* A file that a tool wrote, with a 0 after it; the caller frees it. */
static char *read_file(const struct work *work, const char *name, size_t *ret_len)
{
	char        path[PATH_MAX];
	struct stat status;
	char       *text = NULL;
	size_t      len = 0;
	FILE       *file;

	path_of(work, name, path);
	file = fopen(path, "rbe");
	if (file && fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_size >= 0 && (uint64_t)status.st_size <= RH_BUILD_FILE_BYTES) {
		len = (size_t)status.st_size;
		text = malloc(len + 1);
	}
	if (text && fread(text, 1, len, file) != len) {
		free(text);
		text = NULL;
	}
	if (file)
		fclose(file);
	if (text) {
		text[len] = 0;
		*ret_len = len;
	}
	return text;
}

static int remove_entry(const char *path, const struct stat *status, int kind,
                        struct FTW *place)
{
	(void)status, (void)kind, (void)place;
	remove(path);
	return 0;
}

/* ---- tools ---- */

/* The first line that a tool printed is what it has to say; the rest goes on about it. */
static void first_line(const struct work *work, char *line, size_t room)
{
	size_t len = 0;
	char  *text = read_file(work, "output", &len);

	line[0] = 0;
	for (size_t i = 0, used = 0; text && i < len && text[i] != '\n' && used + 1 < room; i++) {
		line[used++] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
		line[used] = 0;
	}
	free(text);
}

static int run(struct work *work, const char *const argv[], const char *what)
{
	uint64_t       now = rh_clock_ns();
	struct rh_diag why = { 0 };
	unsigned       missing = 0;
	char           line[120];
	int            err;

	work->jail.wall_ms = now < work->end_ns ?
	                     (uint32_t)((work->end_ns - now) / RH_NS_PER_MS) + 1 : 1;
	err = rh_jail_run(&work->jail, argv, &missing, &why);
	work->missing |= missing;
	if (err == RH_OK)
		return RH_OK;
	first_line(work, line, sizeof line);
	if (err == RH_EIO || strstr(line, "Killed signal terminated")) /* what gcc had begun */
		return rh_diag_set(work->diag, RH_EIO, "it was not built, because a tool was "
		                   "killed: publish it again (%.100s)", line[0] ? line : why.text);
	if (strstr(line, "No space left on device"))
		return rh_diag_set(work->diag, RH_ENOSPC, "there is no room to build in: %s", line);
	return rh_diag_set(work->diag, err, "%s: %.100s%s%s", what, why.text,
	                   line[0] ? ": " : "", line);
}

static int validate(struct work *work)
{
	static const char *const argv[] = {
		VALIDATE, "--disable-simd", "rule.wasm", NULL,
	};

	return run(work, argv, "the module is not valid WebAssembly");
}

static int translate(struct work *work)
{
	static const char *const argv[] = {
		WASM2C, "--no-debug-names", "-n", "rule", "rule.wasm", "-o",
		"rule.c", NULL,
	};

	return run(work, argv, "the module cannot be translated");
}

/* Loops that look like memset or memcpy stay loops: the functions do not know GS. */
#define CFLAGS \
	"-std=gnu17", "-fPIC", "-w", "-DNDEBUG", "-DRH_WASM_GENERATED", \
	"-fstack-clash-protection", "-fno-strict-aliasing", "-fwrapv", \
	"-ffp-contract=off", "-fno-math-errno", "-fno-tree-loop-distribute-patterns", \
	"-fvisibility=hidden", "-I."
#define LDFLAGS "-shared", "-Wl,-z,defs,-z,relro,-z,now,-z,noexecstack,-s"

static bool is_large(const struct work *work)
{
	return work->module.code_bytes > RH_BUILD_LARGE;
}

static int compile(struct work *work)
{
	const char *argv[] = {
		CC, CFLAGS, is_large(work) ? "-O1" : "-O2",
		work->build->is_portable ? "-DRH_WASM_NO_GS" : "-DRH_WASM_USE_GS",
		work->build->has_fuel ? "-DRH_WASM_USE_FUEL" : "-DRH_WASM_NO_FUEL",
		is_large(work) ? "-DRH_WASM_IS_LARGE" : "-DRH_WASM_IS_SMALL",
		"-S", "-o", "rule.s", "whole.c", NULL,
	};

	return run(work, argv, "the module cannot be compiled");
}

static int link_object(struct work *work)
{
	static const char *const argv[] = {
		CC, LDFLAGS, "-o", "rule.so", "whole.s", "-lm", NULL,
	};

	return run(work, argv, "the module cannot be linked");
}

/* ---- steps ---- */

static int write_module(struct work *work)
{
	const struct rh_build *build = work->build;
	uint8_t               *bytes = malloc(build->module_bytes);
	int                    err;

	if (!bytes)
		return rh_diag_set(work->diag, RH_ENOMEM, "no memory for the module");
	err = write_file(work, "rule.wasm", bytes,
	                 rh_module_strip(build->module, build->module_bytes, bytes));
	free(bytes);
	for (unsigned i = 0; err == RH_OK && i < rh_build_text_count; i++)
		err = write_file(work, rh_build_texts[i].name, rh_build_texts[i].text,
		                 strlen(rh_build_texts[i].text));
	return err;
}

/* Between two tools: reads what one wrote, and writes what the next one gets. */
static int complete(struct work *work, const char *from, const char *to, bool is_c)
{
	size_t len = 0, whole_len = 0;
	char  *text = read_file(work, from, &len), *whole = NULL;
	int    err;

	if (!text)
		return rh_diag_set(work->diag, RH_ENOMEM, "%s, which a tool wrote, cannot be read: "
		                   "it is missing or too large", from);
	err = is_c ? rh_build_text(work->build->hook, &work->module, text, &whole,
	                           &whole_len, work->diag) :
	             rh_build_assembly(text, !work->build->is_portable, &whole, &whole_len,
	                               work->diag);
	if (err == RH_OK)
		err = write_file(work, to, whole, whole_len);
	free(whole);
	free(text);
	return err;
}

static int take_object(struct work *work, struct rh_built *ret_built)
{
	size_t len = 0;
	char  *bytes = read_file(work, "rule.so", &len);
	int    fd = bytes ? rh_memory_freeze(bytes, len) : RH_EIO;

	free(bytes);
	if (fd < 0)
		return rh_diag_set(work->diag, fd, "the object that gcc made cannot be kept");
	*ret_built = (struct rh_built){
		.fd = fd,
		.bytes = len,
		.exports = work->module.exports,
		.has_landlock = !(work->missing & RH_JAIL_NO_LANDLOCK),
		.has_seccomp = !(work->missing & RH_JAIL_NO_SECCOMP),
	};
	return RH_OK;
}

/* Data takes gcc its time, too. */
static uint32_t seconds_of(const struct work *work)
{
	if (work->build->seconds)
		return work->build->seconds;
	return RH_BUILD_SECONDS +
	       (uint32_t)((uint64_t)RH_BUILD_SECONDS_MIB * work->build->module_bytes >> 20);
}

/* A tool that has no room need not say so, and seems to have refused the module. */
static int check_room(struct work *work, const char *above)
{
	unsigned long long needed = RH_BUILD_ROOM +
	                            RH_BUILD_ROOM_EACH * work->build->module_bytes;
	struct statvfs     system;

	if (statvfs(above, &system) < 0 || system.f_blocks == 0 || /* it has no end */
	    system.f_bavail * system.f_frsize >= needed)
		return RH_OK;
	return rh_diag_set(work->diag, RH_ENOSPC, "%.160s: there is no room to build in: %llu "
	                   "KiB are free, %llu KiB are needed", above, (unsigned long long)
	                   system.f_bavail * system.f_frsize >> 10, needed >> 10);
}

static int make_folder(struct work *work)
{
	const char *above = work->build->folder ? work->build->folder : "/tmp";
	int         err = check_room(work, above);

	if (err < 0)
		return err;

	snprintf(work->folder, sizeof work->folder, "%.3900s/rhodes-build-XXXXXX", above);
	if (!mkdtemp(work->folder))
		return rh_diag_set(work->diag, RH_EIO, "%.160s: no folder to build in: %s", above,
		                   strerror(errno));
	work->jail = (struct rh_jail){
		.folder = work->folder,
		.memory_bytes = RH_BUILD_MEMORY +
		                ((uint64_t)RH_BUILD_MEMORY_MIB * work->module.code_bytes >> 20),
		.file_bytes = RH_BUILD_FILE_BYTES,
		.cpu_seconds = seconds_of(work),
	};
	work->end_ns = rh_clock_ns() + seconds_of(work) * RH_NS_PER_S;
	return RH_OK;
}

static int steps(struct work *work, struct rh_built *ret_built)
{
	int err;

	if ((err = write_module(work)) < 0 || (err = validate(work)) < 0 ||
	    (err = translate(work)) < 0 ||
	    (err = complete(work, "rule.c", "whole.c", true)) < 0 ||
	    (err = compile(work)) < 0 ||
	    (err = complete(work, "rule.s", "whole.s", false)) < 0 ||
	    (err = link_object(work)) < 0)
		return err;
	return take_object(work, ret_built);
}

int rh_build_run(const struct rh_build *build, struct rh_built *ret_built,
                 struct rh_diag *diag)
{
	struct work work = { .build = build, .diag = diag };
	uint32_t    memory = build->memory_bytes ? build->memory_bytes : RH_RULE_MEMORY;
	int         err = rh_module_read(build->module, build->module_bytes, build->hook,
	                                 memory, &work.module, diag);

	if (err == RH_OK)
		err = rh_wasi_check(work.module.wasi, build->capabilities, diag);
	if (err < 0)
		return err;
	err = make_folder(&work);
	if (err < 0)
		return err;
	err = steps(&work, ret_built);
	nftw(work.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return err;
}

/* ---- what an object depends on ---- */

static int add_version(struct work *work, const char *program, char *text, size_t room,
                       size_t *used)
{
	const char *const argv[] = { program, "--version", NULL };
	char              line[120];
	int               err = run(work, argv, "a tool does not say its version");

	if (err < 0)
		return err;
	first_line(work, line, sizeof line);
	*used += (size_t)snprintf(text + *used, room - *used, "%s %s\n", program, line);
	return *used < room ? RH_OK : RH_ENOSPC;
}

int rh_build_tools(const char *folder, char *text, size_t room, struct rh_diag *diag)
{
	static const char *const flags[] = { CFLAGS, "-O2 -O1", LDFLAGS };
	struct rh_build build = { .folder = folder };
	struct work     work = { .build = &build, .diag = diag };
	size_t          used = 0;
	int             err = make_folder(&work);

	if (err < 0)
		return err;
	if ((err = add_version(&work, WASM2C, text, room, &used)) == RH_OK)
		err = add_version(&work, CC, text, room, &used);
	nftw(work.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	for (size_t i = 0; err == RH_OK && i < sizeof flags / sizeof flags[0]; i++) {
		used += (size_t)snprintf(text + used, room - used, "%s ", flags[i]);
		err = used < room ? RH_OK : RH_ENOSPC;
	}
	for (unsigned i = 0; err == RH_OK && i < rh_build_text_count; i++) {
		used += (size_t)snprintf(text + used, room - used, "\n%s", rh_build_texts[i].text);
		err = used < room ? RH_OK : RH_ENOSPC;
	}
	if (err == RH_ENOSPC)
		return rh_diag_set(diag, err, "the description of the tools has more than %zu "
		                   "bytes", room);
	return err < 0 ? err : (int)used;
}
