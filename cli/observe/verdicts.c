#include "verdicts.h"

#include "../show.h"

#include "../../base/diag.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* As rules/library/ebpf/connect_decide.h has them. */
enum { UNKNOWN, ALLOWED, REFUSED };

static bool may_call(const json_t *edges, const char *caller, const char *callee)
{
	size_t  i;
	json_t *edge;

	if (strcmp(caller, callee) == 0)
		return true;
	json_array_foreach(edges, i, edge) {
		const char *outcome = rh_show_text(edge, "outcome");

		if (strcmp(rh_show_text(edge, "caller"), caller) == 0 &&
		    strcmp(rh_show_text(edge, "callee"), callee) == 0)
			return outcome && strcmp(outcome, "allowed") == 0;
	}
	return false;
}

static struct rh_verdict_entry *find(struct rh_verdict_entry *list, size_t count,
                                     const struct rh_endpoint *at)
{
	for (size_t i = 0; i < count; i++) {
		if (memcmp(&list[i].at, at, sizeof *at) == 0)
			return &list[i];
	}
	return NULL;
}

/* Where several resources listen at one place, who may call one of them may connect. */
static size_t make(const struct rh_verdicts *verdicts, const struct rh_names *names,
                   const json_t *edges, struct rh_verdict_entry *list)
{
	size_t count = 0;

	for (size_t i = 0; i < names->endpoint_count; i++) {
		const struct rh_named_endpoint *endpoint = &names->endpoints[i];
		struct rh_verdict_entry *entry = find(list, count, &endpoint->at);

		if (!entry) {
			entry = &list[count++];
			*entry = (struct rh_verdict_entry){ endpoint->at, REFUSED };
		}
		if (may_call(edges, verdicts->resource, endpoint->resource))
			entry->verdict = ALLOWED;
	}
	return count;
}

static int write_new(struct rh_verdicts *verdicts, struct rh_bpf_client *client,
                     const struct rh_verdict_entry *list, size_t count,
                     struct rh_diag *diag)
{
	int err = RH_OK;

	for (size_t i = 0; i < count && !err; i++) {
		const struct rh_verdict_entry *was = find(verdicts->list, verdicts->count,
		                                          &list[i].at);

		if (!was || was->verdict != list[i].verdict)
			err = rh_bpf_write(client, verdicts->handle, "verdicts", &list[i].at,
			                   sizeof list[i].at, &list[i].verdict,
			                   sizeof list[i].verdict, diag);
	}
	return err;
}

static int remove_old(struct rh_verdicts *verdicts, struct rh_bpf_client *client,
                      struct rh_verdict_entry *list, size_t count, struct rh_diag *diag)
{
	int err = RH_OK;

	for (size_t i = 0; i < verdicts->count && !err; i++) {
		if (find(list, count, &verdicts->list[i].at))
			continue;
		err = rh_bpf_write(client, verdicts->handle, "verdicts", &verdicts->list[i].at,
		                   sizeof verdicts->list[i].at, NULL, 0, diag);
		if (err == RH_ENOENT)
			err = RH_OK;
	}
	return err;
}

/* A rule that went on over a restart of this command has entries that nobody knows. */
struct standing {
	struct rh_verdict_entry *list;
	size_t                   count, room;
};

static void take_standing(void *user, const void *key, size_t key_bytes, const void *value,
                          size_t value_bytes)
{
	struct standing *standing = user;

	if (standing->count == standing->room || key_bytes != sizeof standing->list->at ||
	    value_bytes != sizeof standing->list->verdict)
		return;
	memcpy(&standing->list[standing->count].at, key, key_bytes);
	memcpy(&standing->list[standing->count++].verdict, value, value_bytes);
}

static int read_standing(struct rh_verdicts *verdicts, struct rh_bpf_client *client,
                         struct rh_diag *diag)
{
	struct standing standing = { .room = 8192 };

	standing.list = calloc(standing.room, sizeof *standing.list);
	if (!standing.list)
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	int err = rh_bpf_read(client, verdicts->handle, "verdicts", take_standing, &standing,
	                      diag);
	verdicts->list = standing.list;
	verdicts->count = err ? 0 : standing.count;
	return err;
}

static int say_ready(struct rh_verdicts *verdicts, struct rh_bpf_client *client,
                     struct rh_diag *diag)
{
	uint32_t first = 0, yes = 1;
	int      err = rh_bpf_write(client, verdicts->handle, "ready", &first, sizeof first,
	                            &yes, sizeof yes, diag);

	verdicts->is_ready = !err;
	return err;
}

int rh_verdicts_follow(struct rh_verdicts *verdicts, struct rh_bpf_client *client,
                       const struct rh_names *names, const json_t *edges,
                       struct rh_diag *diag)
{
	struct rh_verdict_entry *list = calloc(names->endpoint_count + 1, sizeof *list);
	int err = list ? RH_OK : rh_diag_set(diag, RH_ENOMEM, "out of memory");

	if (!err && !verdicts->list)
		err = read_standing(verdicts, client, diag);
	size_t count = err ? 0 : make(verdicts, names, edges, list);
	if (!err)
		err = write_new(verdicts, client, list, count, diag);
	if (!err)
		err = remove_old(verdicts, client, list, count, diag);
	if (!err && !verdicts->is_ready)
		err = say_ready(verdicts, client, diag);
	if (err) { /* what stands there is not known now: it is read the next time */
		free(list);
		list = NULL;
		count = 0;
	}
	free(verdicts->list);
	verdicts->list = list;
	verdicts->count = count;
	return err;
}

void rh_verdicts_fini(struct rh_verdicts *verdicts)
{
	free(verdicts->list);
	verdicts->list = NULL;
}
