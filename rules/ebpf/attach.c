#include "attach.h"

#include "opener.h"
#include "place.h"

#include "../../base/diag.h"
#include "../../model/error.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SITES_MAX 16u

/* Of newer kernels than the headers of Debian 12. */
#define ATTACH_UPROBE_MULTI  48
#define UPROBE_MULTI_RETURN  1u

/* ---- before it is loaded ---- */

/* Through perf_event_open probes want CAP_SYS_ADMIN since 6.13, which this process does
 * not have; as links of their own, which are younger, CAP_PERFMON is enough. */
static void choose_link(struct bpf_program *program, enum rh_bpf_kind kind)
{
	int is_kprobe = kind == RH_BPF_KPROBE || kind == RH_BPF_KRETPROBE;

	if (is_kprobe && rh_bpf_has_kprobe_links())
		bpf_program__set_expected_attach_type(program, BPF_TRACE_KPROBE_MULTI);
	else if (!is_kprobe && rh_bpf_has_uprobe_links())
		bpf_program__set_expected_attach_type(program, ATTACH_UPROBE_MULTI);
}

static const struct {
	enum bpf_prog_type type;
	const char        *section;
} wanted[RH_BPF_KINDS] = {
	[RH_BPF_TRACEPOINT]     = { BPF_PROG_TYPE_TRACEPOINT,     "tracepoint" },
	[RH_BPF_RAW_TRACEPOINT] = { BPF_PROG_TYPE_RAW_TRACEPOINT, "raw_tracepoint" },
	[RH_BPF_TP_BTF]         = { BPF_PROG_TYPE_TRACING,        "tp_btf" },
	[RH_BPF_UPROBE]         = { BPF_PROG_TYPE_KPROBE,         "uprobe" },
	[RH_BPF_URETPROBE]      = { BPF_PROG_TYPE_KPROBE,         "uretprobe" },
	[RH_BPF_SITE]           = { BPF_PROG_TYPE_KPROBE,         "uprobe" },
	[RH_BPF_KPROBE]         = { BPF_PROG_TYPE_KPROBE,         "kprobe" },
	[RH_BPF_KRETPROBE]      = { BPF_PROG_TYPE_KPROBE,         "kretprobe" },
	[RH_BPF_PERF]           = { BPF_PROG_TYPE_PERF_EVENT,     "perf_event" },
	[RH_BPF_CONNECT4]       = { BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "cgroup/connect4" },
	[RH_BPF_CONNECT6]       = { BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "cgroup/connect6" },
};

static int is_of_kind(const struct bpf_program *program, enum rh_bpf_kind kind)
{
	enum bpf_attach_type at = bpf_program__expected_attach_type(program);

	if (bpf_program__type(program) != wanted[kind].type)
		return 0;
	if (kind == RH_BPF_TP_BTF)
		return at == BPF_TRACE_RAW_TP;
	if (kind == RH_BPF_CONNECT4)
		return at == BPF_CGROUP_INET4_CONNECT;
	if (kind == RH_BPF_CONNECT6)
		return at == BPF_CGROUP_INET6_CONNECT;
	return 1;
}

int rh_bpf_attach_prepare(struct bpf_program *program, const struct rh_bpf_point *point,
                          struct rh_diag *diag)
{
	const char *name = bpf_program__name(program);

	if (!is_of_kind(program, point->kind))
		return rh_diag_set(diag, RH_EINVAL, "program %s is of SEC(\"%.60s\"), and what "
			"goes to a %s is of SEC(\"%s\")", name, bpf_program__section_name(program),
			rh_bpf_kind_name(point->kind), wanted[point->kind].section);
	if ((point->kind == RH_BPF_KPROBE || point->kind == RH_BPF_KRETPROBE) &&
	    access("/sys/bus/event_source/devices/kprobe/type", F_OK) < 0)
		return rh_diag_set(diag, RH_ENOSYS, "program %s: this kernel has no kprobes "
		                   "(CONFIG_KPROBES)", name);
	if (point->kind == RH_BPF_TP_BTF &&
	    bpf_program__set_attach_target(program, 0, point->what) < 0)
		return rh_diag_set(diag, RH_ENOENT, "program %s: this kernel has no tracepoint "
		                   "%.60s with types", name, point->what);
	if (wanted[point->kind].type == BPF_PROG_TYPE_KPROBE)
		choose_link(program, point->kind);
	return RH_OK;
}

/* ---- events of perf ---- */

/* By ourselves, or where that is for others by who may (opener.h). */
static int open_event(const struct rh_bpf_machine *machine,
                      const struct rh_bpf_event *event)
{
	int fd = rh_bpf_event_open(event);

	if ((fd == -EACCES || fd == -EPERM) && machine->opener >= 0)
		fd = rh_bpf_opener_ask(machine->opener, event);
	return fd;
}

static int read_number(int folder, const char *path, uint64_t *ret_number)
{
	char    text[32];
	int     fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	*ret_number = strtoull(text, NULL, 10);
	return 1;
}

static int refuse(const struct bpf_program *program, const struct rh_bpf_point *point,
                  int err_no, struct rh_diag *diag)
{
	int code = err_no == ENOENT ? RH_ENOENT : err_no == EPERM || err_no == EACCES
	           ? RH_EPERM : RH_EIO;

	return rh_diag_set(diag, code, "program %s cannot be attached to %s:%.60s%s%.60s: %s",
		bpf_program__name(program), rh_bpf_kind_name(point->kind), point->where,
		point->where[0] && point->what[0] ? " " : "", point->what, strerror(err_no));
}

/* The link outlives the event's own descriptor, which goes with this process. */
static int attach_event(const struct rh_bpf_machine *machine, struct bpf_program *program,
                        const struct rh_bpf_point *point,
                        const struct rh_bpf_event *event, int *ret_fd,
                        struct rh_diag *diag)
{
	int fd = open_event(machine, event);

	if (fd < 0)
		return refuse(program, point, -fd, diag);
	struct bpf_link *link = bpf_program__attach_perf_event(program, fd);
	if (!link)
		return refuse(program, point, errno, diag);
	*ret_fd = bpf_link__fd(link);
	return 1;
}

static int attach_tracepoint(const struct rh_bpf_machine *machine,
                             struct bpf_program *program,
                             const struct rh_bpf_point *point, int *ret_fd,
                             struct rh_diag *diag)
{
	struct rh_bpf_event event = { .type = PERF_TYPE_TRACEPOINT, .period = 1 };
	char                path[2 * RH_BPF_POINT_MAX + 32];

	snprintf(path, sizeof path, "events/%s/%s/id", point->where, point->what);
	if (machine->tracefs < 0)
		return rh_diag_set(diag, RH_ENOSYS, "program %s: tracefs is not there; mount -t "
			"tracefs tracefs /sys/kernel/tracing, and start rhodes-bpf anew",
			bpf_program__name(program));
	if (!read_number(machine->tracefs, path, &event.config))
		return rh_diag_set(diag, RH_ENOENT, "program %s: this kernel has no tracepoint "
			"%.60s/%.60s", bpf_program__name(program), point->where, point->what);
	return attach_event(machine, program, point, &event, ret_fd, diag);
}

static const struct {
	const char *name;
	uint32_t    type;
	uint64_t    config;
} events[] = {
	{ "cpu-clock",    PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK },
	{ "task-clock",   PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK },
	{ "page-faults",  PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
	{ "context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ "cpu-cycles",   PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
	{ "cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
};

static int find_event(struct bpf_program *program, const struct rh_bpf_point *point,
                      struct rh_bpf_event *event, struct rh_diag *diag)
{
	unsigned known = 0;

	while (known < sizeof events / sizeof events[0] &&
	       strcmp(events[known].name, point->where) != 0)
		known++;
	if (known == sizeof events / sizeof events[0])
		return rh_diag_set(diag, RH_ENOENT, "program %s: there is no event %.60s; "
			"cpu-clock is one", bpf_program__name(program), point->where);
	event->type = events[known].type;
	event->config = events[known].config;
	return RH_OK;
}

static int is_on(int cpu)
{
	char path[80], text[8] = "1";

	snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/online", cpu);
	int fd = open(path, O_RDONLY | O_CLOEXEC); /* the first may have none */
	if (fd >= 0 && read(fd, text, 1) != 1)
		text[0] = '0';
	if (fd >= 0)
		close(fd);
	return text[0] != '0';
}

static int attach_perf(const struct rh_bpf_machine *machine, struct bpf_program *program,
                       const struct rh_bpf_point *point, int *fds, unsigned cap,
                       struct rh_diag *diag)
{
	struct rh_bpf_event event = { .period = point->hz, .is_freq = 1 };
	long                cpus = sysconf(_SC_NPROCESSORS_CONF);
	unsigned            count = 0;
	int                 n = find_event(program, point, &event, diag);

	for (int cpu = 0; n >= 0 && cpu < cpus && count < cap; cpu++) {
		if (!is_on(cpu))
			continue;
		event.cpu = cpu;
		n = attach_event(machine, program, point, &event, &fds[count], diag);
		count++;
	}
	return n < 0 ? n : (int)count;
}

/* ---- places in programs ---- */

/* As in linux/bpf.h, of which only this is used. */
struct uprobe_link {
	uint32_t program, target, attach_type, flags;
	uint64_t path, offsets, counters, cookies;
	uint32_t count, how, pid;
};

/* All places by one link. */
static int link_places(struct bpf_program *program, const struct rh_bpf_point *point,
                       const uint64_t *offsets, unsigned count, int *ret_fd,
                       struct rh_diag *diag)
{
	struct uprobe_link link = {
		.program = (uint32_t)bpf_program__fd(program),
		.attach_type = ATTACH_UPROBE_MULTI,
		.path = (uintptr_t)point->where, .offsets = (uintptr_t)offsets, .count = count,
		.how = point->kind == RH_BPF_URETPROBE ? UPROBE_MULTI_RETURN : 0,
	};

	*ret_fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof link);
	return *ret_fd < 0 ? refuse(program, point, errno, diag) : 1;
}

/* A probe as an event, at a file's offset or a function's beginning. */
static int attach_probe(const struct rh_bpf_machine *machine, struct bpf_program *program,
                        const struct rh_bpf_point *point, uint64_t offset, int *ret_fd,
                        struct rh_diag *diag)
{
	int is_kprobe = point->kind == RH_BPF_KPROBE || point->kind == RH_BPF_KRETPROBE;
	int is_return = point->kind == RH_BPF_KRETPROBE || point->kind == RH_BPF_URETPROBE;
	struct rh_bpf_event event = { .offset = offset };

	event.type = rh_bpf_event_type(is_kprobe ? "kprobe" : "uprobe", is_return,
	                               &event.config);
	snprintf(event.name, sizeof event.name, "%s", is_kprobe ? point->what : point->where);
	if (event.type == 0)
		return refuse(program, point, EOPNOTSUPP, diag);
	return attach_event(machine, program, point, &event, ret_fd, diag);
}

static int attach_places(const struct rh_bpf_machine *machine, struct bpf_program *program,
                         const struct rh_bpf_point *point, int *fds, unsigned cap,
                         struct rh_diag *diag)
{
	uint64_t offsets[SITES_MAX];
	int      n = 1;
	int      count = point->kind == RH_BPF_SITE
	                 ? rh_bpf_sites(point->where, point->what, offsets,
	                                cap < SITES_MAX ? cap : SITES_MAX, diag)
	                 : rh_bpf_function(point->where, point->what, offsets, diag);

	if (count > 0 && rh_bpf_has_uprobe_links())
		return link_places(program, point, offsets, (unsigned)count, fds, diag);
	for (int i = 0; i < count && n >= 0; i++)
		n = attach_probe(machine, program, point, offsets[i], &fds[i], diag);
	return n < 0 ? n : count;
}

/* ---- the rest ---- */

static struct bpf_link *attach_kprobe(struct bpf_program *program,
                                      const struct rh_bpf_point *point)
{
	const char *name = point->what;
	struct bpf_kprobe_multi_opts options = {
		.sz = sizeof options, .syms = &name, .cnt = 1,
		.retprobe = point->kind == RH_BPF_KRETPROBE,
	};

	return bpf_program__attach_kprobe_multi_opts(program, NULL, &options);
}

static struct bpf_link *attach_cgroup(const struct rh_bpf_machine *machine,
                                      struct bpf_program *program,
                                      const struct rh_bpf_point *point)
{
	const char *path = point->where[1] ? point->where + 1 : ".";
	int         fd = machine->cgroup < 0 ? -1
	                 : openat(machine->cgroup, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (machine->cgroup < 0)
		errno = ENODEV;
	return fd < 0 ? NULL : bpf_program__attach_cgroup(program, fd);
}

static struct bpf_link *attach_one(const struct rh_bpf_machine *machine,
                                   struct bpf_program *program,
                                   const struct rh_bpf_point *point)
{
	switch (point->kind) {
	case RH_BPF_RAW_TRACEPOINT:
		return bpf_program__attach_raw_tracepoint(program, point->what);
	case RH_BPF_TP_BTF:
		return bpf_program__attach_trace(program);
	case RH_BPF_KPROBE:
	case RH_BPF_KRETPROBE:
		return attach_kprobe(program, point);
	case RH_BPF_CONNECT4:
	case RH_BPF_CONNECT6:
		return attach_cgroup(machine, program, point);
	default:
		errno = EINVAL;
		return NULL;
	}
}

int rh_bpf_attach(const struct rh_bpf_machine *machine, struct bpf_program *program,
                  const struct rh_bpf_point *point, int *fds, unsigned cap,
                  struct rh_diag *diag)
{
	if (cap == 0)
		return rh_diag_set(diag, RH_EMSGSIZE, "the rule is attached in more than %u "
		                   "places", RH_BPF_LINKS_MAX);
	if (point->kind == RH_BPF_TRACEPOINT)
		return attach_tracepoint(machine, program, point, fds, diag);
	if (point->kind == RH_BPF_PERF)
		return attach_perf(machine, program, point, fds, cap, diag);
	if (point->kind == RH_BPF_SITE || point->kind == RH_BPF_UPROBE ||
	    point->kind == RH_BPF_URETPROBE)
		return attach_places(machine, program, point, fds, cap, diag);
	if ((point->kind == RH_BPF_KPROBE || point->kind == RH_BPF_KRETPROBE) &&
	    bpf_program__expected_attach_type(program) != BPF_TRACE_KPROBE_MULTI)
		return attach_probe(machine, program, point, 0, fds, diag);
	struct bpf_link *link = attach_one(machine, program, point);
	if (!link)
		return refuse(program, point, errno, diag);
	fds[0] = bpf_link__fd(link);
	return 1;
}
