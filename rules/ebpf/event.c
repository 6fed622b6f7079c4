#include "event.h"

#include <bpf/btf.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PARANOID_MAX 2 /* from there on Debian's kernel wants CAP_SYS_ADMIN */

static int read_text(const char *path, char text[64])
{
	int     fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, 63);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

uint32_t rh_bpf_event_type(const char *probe, int is_return, uint64_t *ret_config)
{
	char     path[80], text[64];
	unsigned bit = 0, type = 0;

	snprintf(path, sizeof path, "/sys/bus/event_source/devices/%s/type", probe);
	if (read_text(path, text))
		type = (unsigned)strtoul(text, NULL, 10);
	snprintf(path, sizeof path, "/sys/bus/event_source/devices/%s/format/retprobe", probe);
	if (is_return && (!read_text(path, text) || sscanf(text, "config:%u", &bit) != 1 ||
	                  bit > 63))
		return 0;
	*ret_config = is_return ? 1ull << bit : 0;
	return type;
}

int rh_bpf_event_open(const struct rh_bpf_event *event)
{
	struct perf_event_attr attr = {
		.size = sizeof attr, .type = event->type, .config = event->config,
		.freq = event->is_freq != 0, .sample_period = event->period,
	};

	if (event->name[0]) {
		attr.config1 = (uintptr_t)event->name;
		attr.config2 = event->offset;
	}
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, event->cpu, -1,
	                      PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* ---- what this kernel has ---- */

static int is_kernel(int major, int minor)
{
	struct utsname name;
	int            its[2];

	return uname(&name) == 0 && sscanf(name.release, "%d.%d", &its[0], &its[1]) == 2 &&
	       (its[0] > major || (its[0] == major && its[1] >= minor));
}

int rh_bpf_has_uprobe_links(void)
{
	return is_kernel(6, 6);
}

/* Debian's kernels are built without what these are made of (CONFIG_FPROBE): this one has
 * it when its types do. */
int rh_bpf_has_kprobe_links(void)
{
	struct btf *types = is_kernel(5, 18) ? btf__load_vmlinux_btf() : NULL;
	int         has = types && btf__find_by_name_kind(types, "register_fprobe_ips",
	                                                  BTF_KIND_FUNC) > 0;

	btf__free(types);
	return has;
}

int rh_bpf_event_is_for_admins(void)
{
	char text[64];

	if (!rh_bpf_has_uprobe_links())
		return 1;
	return read_text("/proc/sys/kernel/perf_event_paranoid", text) &&
	       strtol(text, NULL, 10) > PARANOID_MAX;
}
