#include "rule_kernel.h"

#include "../base/diag.h"
#include "../model/error.h"

#ifdef RH_HAS_LIBBPF

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ENTRY    "rh_enter_"
#define LOG_ROOM (1u << 20)

/* As rhodes/rule.h has them. */
struct host {
	uint64_t now_ns, random, lines;
};

struct call {
	uint64_t a, b, value;
};

struct rh_kernel_rule {
	const struct rh_hook *hook;
	struct bpf_object    *object;
	void                 *buffer;
	struct host          *host;
	int                   programs[RH_HOOK_EXPORTS_MAX]; /* by slot, or -1 */
	char                  log[LOG_ROOM];
};

/* What the verifier says last is a summary; before it stands why. */
static const char *reason(char *log)
{
	char *line = log, *found = log;

	while (*line) {
		char *end = line + strcspn(line, "\n");
		int   is_last = *end == '\0';

		*end = '\0';
		if (line[0] && strncmp(line, "processed ", 10) != 0)
			found = line;
		line = is_last ? end : end + 1;
	}
	return found;
}

static int hear(enum libbpf_print_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static int hear(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

/* The map of a section is memory that is shared with the kernel. */
static void *shared(const struct rh_kernel_rule *rule, const char *map, size_t bytes)
{
	struct bpf_map *its = bpf_object__find_map_by_name(rule->object, map);
	void           *at = !its || bpf_map__value_size(its) != bytes ? MAP_FAILED
		: mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(its), 0);

	return at == MAP_FAILED ? NULL : at;
}

static int open_object(struct rh_kernel_rule *rule, int object_fd, struct rh_diag *diag)
{
	struct bpf_object_open_opts options = {
		.sz = sizeof options, .object_name = "rhodes", .kernel_log_buf = rule->log,
		.kernel_log_size = sizeof rule->log, .kernel_log_level = 1,
	};
	struct stat st;
	void       *bytes;

	libbpf_set_print(hear);
	if (fstat(object_fd, &st) < 0 ||
	    (bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, object_fd, 0)) ==
	    MAP_FAILED)
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	rule->object = bpf_object__open_mem(bytes, (size_t)st.st_size, &options);
	munmap(bytes, (size_t)st.st_size);
	if (!rule->object)
		return rh_diag_set(diag, RH_EINVAL, "it is no object of eBPF");
	const struct btf *types = bpf_object__btf(rule->object);
	if (types && btf__find_by_name_kind(types, "rh_init", BTF_KIND_FUNC) > 0)
		return rh_diag_set(diag, RH_EINVAL, "a rule with rh_init is not tried in the "
		                   "kernel");
	return RH_OK;
}

static int load_object(struct rh_kernel_rule *rule, struct rh_diag *diag)
{
	if (bpf_object__load(rule->object) == 0)
		return RH_OK;
	if (errno == EPERM && !rule->log[0])
		return rh_diag_set(diag, RH_EPERM, "loading eBPF needs CAP_BPF, which root has");
	return rh_diag_set(diag, RH_EINVAL, "the kernel refused it: %.160s", rule->log[0]
	                   ? reason(rule->log) : strerror(errno));
}

static void find_programs(struct rh_kernel_rule *rule)
{
	for (unsigned i = 0; i < RH_HOOK_EXPORTS_MAX; i++)
		rule->programs[i] = -1;
	for (unsigned i = 0; i < rule->hook->export_count; i++) {
		char                name[80];
		struct bpf_program *program;

		snprintf(name, sizeof name, ENTRY "%s", rule->hook->exports[i].name);
		program = bpf_object__find_program_by_name(rule->object, name);
		if (program)
			rule->programs[i] = bpf_program__fd(program);
	}
}

int rh_kernel_load(const struct rh_hook *hook, int object_fd,
                   struct rh_kernel_rule **ret_rule, struct rh_diag *diag)
{
	struct rh_kernel_rule *rule = calloc(1, sizeof *rule);

	if (!rule)
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	rule->hook = hook;
	int err = open_object(rule, object_fd, diag);
	if (!err)
		err = load_object(rule, diag);
	if (!err) {
		rule->buffer = shared(rule, ".bss.rh_buffer", hook->buffer_bytes);
		rule->host = shared(rule, ".bss.rh_host", sizeof *rule->host);
		if (!rule->buffer || !rule->host)
			err = rh_diag_set(diag, RH_EINVAL, "it has no RH_RULE(%s)", hook->name);
	}
	if (err) {
		rh_kernel_destroy(rule);
		return err;
	}
	find_programs(rule);
	*ret_rule = rule;
	return RH_OK;
}

void rh_kernel_destroy(struct rh_kernel_rule *rule)
{
	if (!rule)
		return;
	if (rule->buffer)
		munmap(rule->buffer, rule->hook->buffer_bytes);
	if (rule->host)
		munmap(rule->host, sizeof *rule->host);
	bpf_object__close(rule->object);
	free(rule);
}

void *rh_kernel_buffer(const struct rh_kernel_rule *rule)
{
	return rule->buffer;
}

bool rh_kernel_has(const struct rh_kernel_rule *rule, unsigned slot)
{
	return rule->programs[slot] >= 0;
}

uint64_t rh_kernel_lines(const struct rh_kernel_rule *rule)
{
	return rule->host->lines;
}

int rh_kernel_call(const struct rh_kernel_rule *rule, unsigned slot, uint64_t a,
                   uint64_t b, uint64_t now_ns, uint64_t *random, uint64_t *ret_value)
{
	struct call              call = { .a = a, .b = b };
	struct bpf_test_run_opts options = { .sz = sizeof options, .ctx_in = &call,
		.ctx_size_in = sizeof call };

	rule->host->now_ns = now_ns;
	rule->host->random = *random;
	if (bpf_prog_test_run_opts(rule->programs[slot], &options) < 0)
		return RH_ERULE;
	*random = rule->host->random;
	*ret_value = call.value;
	return RH_OK;
}

#else

int rh_kernel_load(const struct rh_hook *hook, int object_fd,
                   struct rh_kernel_rule **ret_rule, struct rh_diag *diag)
{
	(void)hook, (void)object_fd, (void)ret_rule;
	return rh_diag_set(diag, RH_ENOSYS, "this rhodes was built without libbpf");
}

void rh_kernel_destroy(struct rh_kernel_rule *rule)
{
	(void)rule;
}

void *rh_kernel_buffer(const struct rh_kernel_rule *rule)
{
	(void)rule;
	return NULL;
}

bool rh_kernel_has(const struct rh_kernel_rule *rule, unsigned slot)
{
	(void)rule, (void)slot;
	return false;
}

uint64_t rh_kernel_lines(const struct rh_kernel_rule *rule)
{
	(void)rule;
	return 0;
}

int rh_kernel_call(const struct rh_kernel_rule *rule, unsigned slot, uint64_t a,
                   uint64_t b, uint64_t now_ns, uint64_t *random, uint64_t *ret_value)
{
	(void)rule, (void)slot, (void)a, (void)b, (void)now_ns, (void)random;
	(void)ret_value;
	return RH_ERULE;
}

#endif
