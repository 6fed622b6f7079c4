#include "point.h"

#include "../../base/diag.h"
#include "../../model/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What follows the kind. */
enum form { NAME, CATEGORY_NAME, PATH_NAME, EVENT_HZ, CGROUP };

static const struct {
	const char *name;
	enum form   form;
} kinds[RH_BPF_KINDS] = {
	[RH_BPF_TRACEPOINT]     = { "tracepoint",     CATEGORY_NAME },
	[RH_BPF_RAW_TRACEPOINT] = { "raw_tracepoint", NAME },
	[RH_BPF_TP_BTF]         = { "tp_btf",         NAME },
	[RH_BPF_UPROBE]         = { "uprobe",         PATH_NAME },
	[RH_BPF_URETPROBE]      = { "uretprobe",      PATH_NAME },
	[RH_BPF_SITE]           = { "site",           PATH_NAME },
	[RH_BPF_KPROBE]         = { "kprobe",         NAME },
	[RH_BPF_KRETPROBE]      = { "kretprobe",      NAME },
	[RH_BPF_PERF]           = { "perf",           EVENT_HZ },
	[RH_BPF_CONNECT4]       = { "connect4",       CGROUP },
	[RH_BPF_CONNECT6]       = { "connect6",       CGROUP },
};

#define IDENTIFIER "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

const char *rh_bpf_kind_name(enum rh_bpf_kind kind)
{
	return kinds[kind].name;
}

static int is_identifier(const char *text)
{
	return text[0] && text[0] != '.' && strlen(text) <= RH_BPF_NAME_MAX * 2 &&
	       text[strspn(text, IDENTIFIER)] == '\0';
}

/* Splits at the last separator: paths may hold one. */
static int split(const char *rest, char separator, struct rh_bpf_point *point)
{
	const char *at = strrchr(rest, separator);

	if (!at || at == rest || !at[1])
		return 0;
	snprintf(point->where, sizeof point->where, "%.*s", (int)(at - rest), rest);
	snprintf(point->what, sizeof point->what, "%s", at + 1);
	return 1;
}

static int is_path(const char *text)
{
	return text[0] == '/' && !strstr(text, "/../") && !strstr(text, "//");
}

static int read_hz(struct rh_bpf_point *point)
{
	char         *end;
	unsigned long hz = strtoul(point->what, &end, 10);

	if (*end || point->what[0] < '1' || point->what[0] > '9' || hz > RH_BPF_HZ_MAX)
		return 0;
	point->hz = (uint32_t)hz;
	return is_identifier(point->where);
}

static int read_rest(enum form form, const char *rest, struct rh_bpf_point *point)
{
	switch (form) {
	case NAME:
		snprintf(point->what, sizeof point->what, "%s", rest);
		return is_identifier(rest);
	case CATEGORY_NAME:
		return split(rest, '/', point) && is_identifier(point->where) &&
		       is_identifier(point->what);
	case PATH_NAME:
		return split(rest, ':', point) && is_path(point->where) &&
		       is_identifier(point->what);
	case EVENT_HZ:
		return split(rest, '@', point) && read_hz(point);
	case CGROUP:
	default:
		snprintf(point->where, sizeof point->where, "%s", rest);
		return is_path(rest) && strcmp(rest + strlen(rest) - 1, ".") != 0;
	}
}

static const char *const forms[] = {
	[NAME] = "NAME", [CATEGORY_NAME] = "CATEGORY/NAME",
	[PATH_NAME] = "/PATH:NAME", [EVENT_HZ] = "EVENT@HZ, 1 to 1000 HZ",
	[CGROUP] = "/CGROUP, \"/\" for all of them",
};

int rh_bpf_point_read(const char *text, struct rh_bpf_point *ret_point,
                      struct rh_diag *diag)
{
	struct rh_bpf_point point = { .kind = RH_BPF_KINDS };
	size_t              len = strcspn(text, ":");

	if (strlen(text) > RH_BPF_POINT_MAX)
		return rh_diag_set(diag, RH_EINVAL, "an attach point has at most %u bytes",
		                   RH_BPF_POINT_MAX);
	for (unsigned i = 0; i < RH_BPF_KINDS; i++) {
		if (strlen(kinds[i].name) == len && strncmp(text, kinds[i].name, len) == 0)
			point.kind = (enum rh_bpf_kind)i;
	}
	if (point.kind == RH_BPF_KINDS || !text[len])
		return rh_diag_set(diag, RH_EINVAL, "\"%.60s\" is no attach point: one is such "
			"as tracepoint:sched/sched_switch; the kinds are tracepoint, "
			"raw_tracepoint, tp_btf, uprobe, uretprobe, site, kprobe, kretprobe, "
			"perf, connect4 and connect6", text);
	if (!read_rest(kinds[point.kind].form, text + len + 1, &point))
		return rh_diag_set(diag, RH_EINVAL, "\"%.100s\" is no attach point: %s is "
			"followed by %s", text, kinds[point.kind].name,
			forms[kinds[point.kind].form]);
	*ret_point = point;
	return RH_OK;
}
