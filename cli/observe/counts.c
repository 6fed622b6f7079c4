#include "counts.h"

#include "../show.h"

#include "../../base/diag.h"

#include <stdlib.h>
#include <string.h>

/* As rules/library/ebpf/observe.bpf.c has them. */
struct connect {
	struct rh_program_key who;
	uint32_t              uid, zero;
	struct rh_endpoint    to;
};

struct exec {
	struct rh_program_key who, what;
	uint32_t              uid, zero;
};

_Static_assert(sizeof(struct connect) == 48 && sizeof(struct exec) == 40, "the rule's");

/* ---- one map ---- */

static int order(const void *a, const void *b)
{
	const struct rh_count *x = a, *y = b;

	return memcmp(x->key, y->key, sizeof x->key);
}

static void take(void *user, const void *key, size_t key_bytes, const void *value,
                 size_t value_bytes)
{
	struct rh_count_list *list = user;
	struct rh_count       count = { .value = 0 };

	if (key_bytes > sizeof count.key || value_bytes != sizeof count.value)
		return;
	if (list->count == list->room) {
		size_t           room = list->room ? list->room * 2 : 64;
		struct rh_count *more = realloc(list->list, room * sizeof *more);

		if (!more) {
			list->is_broken = 1;
			return;
		}
		list->list = more;
		list->room = room;
	}
	memcpy(count.key, key, key_bytes);
	memcpy(&count.value, value, value_bytes);
	list->list[list->count++] = count;
}

/* What one has more than before; one that went and came again began anew. */
static uint64_t grown(const struct rh_count_list *before, const struct rh_count *now)
{
	const struct rh_count *was = before->count ? bsearch(now, before->list, before->count,
	                                                     sizeof *now, order) : NULL;

	return was && was->value <= now->value ? now->value - was->value : now->value;
}

/* ---- pairs ---- */

typedef void name_both(const struct rh_names *names, const uint8_t *key,
                       const char **ret_caller, const char **ret_callee);

static void name_connect(const struct rh_names *names, const uint8_t *key,
                         const char **ret_caller, const char **ret_callee)
{
	struct connect connect;

	memcpy(&connect, key, sizeof connect);
	*ret_caller = rh_names_program(names, &connect.who, connect.uid);
	*ret_callee = rh_names_endpoint(names, &connect.to);
}

static void name_exec(const struct rh_names *names, const uint8_t *key,
                      const char **ret_caller, const char **ret_callee)
{
	struct exec exec;

	memcpy(&exec, key, sizeof exec);
	*ret_caller = rh_names_program(names, &exec.who, exec.uid);
	*ret_callee = rh_names_program(names, &exec.what, exec.uid);
}

static void add(json_t *pairs, const char *caller, const char *callee, uint64_t calls)
{
	size_t  i;
	json_t *pair;

	json_array_foreach(pairs, i, pair) {
		if (strcmp(rh_show_text(pair, "caller"), caller) != 0 ||
		    strcmp(rh_show_text(pair, "callee"), callee) != 0)
			continue;
		calls += (uint64_t)json_integer_value(json_object_get(pair, "calls"));
		json_object_set_new(pair, "calls", json_integer((json_int_t)calls));
		return;
	}
	json_array_append_new(pairs, json_pack("{s:s, s:s, s:I}", "caller", caller, "callee",
	                                       callee, "calls", (json_int_t)calls));
}

static int read_map(struct rh_count_list *before, struct rh_bpf_client *client,
                    uint64_t handle, const char *map, name_both *name,
                    const struct rh_names *names, json_t *pairs, struct rh_diag *diag)
{
	struct rh_count_list now = { .list = NULL };
	int                  err = rh_bpf_read(client, handle, map, take, &now, diag);

	if (!err && now.is_broken)
		err = rh_diag_set(diag, RH_ENOMEM, "out of memory");
	if (err) {
		free(now.list);
		return err;
	}
	if (now.count)
		qsort(now.list, now.count, sizeof now.list[0], order);
	for (size_t i = 0; i < now.count; i++) {
		uint64_t    more = grown(before, &now.list[i]);
		const char *caller, *callee;

		name(names, now.list[i].key, &caller, &callee);
		if (more && caller && callee && strcmp(caller, callee) != 0)
			add(pairs, caller, callee, more);
	}
	free(before->list);
	*before = now;
	return RH_OK;
}

int rh_counts_read(struct rh_counts *counts, struct rh_bpf_client *client,
                   uint64_t handle, const struct rh_names *names, json_t *pairs,
                   struct rh_diag *diag)
{
	int err = read_map(&counts->connects, client, handle, "connects", name_connect, names,
	                   pairs, diag);

	return err ? err : read_map(&counts->execs, client, handle, "execs", name_exec, names,
	                            pairs, diag);
}

void rh_counts_fini(struct rh_counts *counts)
{
	free(counts->connects.list);
	free(counts->execs.list);
	*counts = (struct rh_counts){ .connects = { .list = NULL } };
}
