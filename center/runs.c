#include "runs.h"

#include "../model/error.h"

#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	while (*text++);
	return hash;
}

static struct rh_run **bucket_of(struct rh_runs *runs, const struct rh_run_key *key)
{
	uint64_t hash = mix(mix(mix(mix(0xcbf29ce484222325u, key->agent), key->caller),
	                        key->callee), key->rule);

	return &runs->buckets[(hash ^ hash >> 32) % RH_RUN_BUCKETS];
}

static int is_same(const struct rh_run_key *a, const struct rh_run_key *b)
{
	return strcmp(a->agent, b->agent) == 0 && strcmp(a->rule, b->rule) == 0 &&
	       strcmp(a->caller, b->caller) == 0 && strcmp(a->callee, b->callee) == 0;
}

/* Frees those of agents that are away, or of that agent; returns how many. */
static unsigned sweep(struct rh_runs *runs, const char *agent)
{
	unsigned before = runs->count;

	for (unsigned i = 0; i < RH_RUN_BUCKETS; i++) {
		for (struct rh_run **at = &runs->buckets[i], *run; (run = *at);) {
			if (agent ? strcmp(run->key.agent, agent) != 0 : !run->is_away) {
				at = &run->next;
				continue;
			}
			*at = run->next;
			free(run);
			runs->count--;
		}
	}
	return before - runs->count;
}

static struct rh_run *make(struct rh_runs *runs, const struct rh_run_key *key)
{
	struct rh_run **bucket = bucket_of(runs, key), *run;

	for (run = *bucket; run; run = run->next) {
		if (is_same(&run->key, key))
			return run;
	}
	if (runs->count == RH_RUNS_MAX && sweep(runs, NULL) == 0)
		return NULL;
	run = calloc(1, sizeof *run);
	if (!run)
		return NULL;
	run->key = *key;
	run->next = *bucket;
	*bucket = run;
	runs->count++;
	return run;
}

const struct rh_run *rh_runs_find(const struct rh_runs *runs,
                                  const struct rh_run_key *key)
{
	const struct rh_run *run = *bucket_of((struct rh_runs *)(uintptr_t)runs, key);

	while (run && !is_same(&run->key, key))
		run = run->next;
	return run;
}

int rh_runs_put(struct rh_runs *runs, const struct rh_run *told)
{
	struct rh_run *run = make(runs, &told->key), *next;

	if (!run) {
		runs->left_out++;
		return runs->count == RH_RUNS_MAX ? RH_ENOSPC : RH_ENOMEM;
	}
	next = run->next;
	*run = *told;
	run->next = next;
	return RH_OK;
}

void rh_runs_remove(struct rh_runs *runs, const struct rh_run_key *key)
{
	struct rh_run **at = bucket_of(runs, key), *run;

	while (*at && !is_same(&(*at)->key, key))
		at = &(*at)->next;
	run = *at;
	if (!run)
		return;
	*at = run->next;
	free(run);
	runs->count--;
}

void rh_runs_away(struct rh_runs *runs, const char *agent)
{
	for (unsigned i = 0; i < RH_RUN_BUCKETS && runs->count; i++) {
		for (struct rh_run *run = runs->buckets[i]; run; run = run->next)
			run->is_away |= strcmp(run->key.agent, agent) == 0;
	}
}

void rh_runs_forget(struct rh_runs *runs, const char *agent)
{
	if (runs->count)
		sweep(runs, agent);
}

void rh_runs_each(const struct rh_runs *runs, const char *rule, rh_runs_visit *visit,
                  void *user)
{
	for (unsigned i = 0; i < RH_RUN_BUCKETS; i++) {
		for (const struct rh_run *run = runs->buckets[i]; run; run = run->next) {
			if (!rule || strcmp(run->key.rule, rule) == 0)
				visit(user, run);
		}
	}
}

void rh_runs_fini(struct rh_runs *runs)
{
	for (unsigned i = 0; i < RH_RUN_BUCKETS; i++) {
		while (runs->buckets[i]) {
			struct rh_run *run = runs->buckets[i];

			runs->buckets[i] = run->next;
			free(run);
		}
	}
	runs->count = 0;
}
