#include "audit.h"

#include "problem.h"
#include "store/chain.h"
#include "store/store.h"
#include "when.h"

#include "../model/error.h"

#include <stdlib.h>
#include <string.h>

static void set_text(json_t *json, const char *key, const char *text)
{
	if (text && text[0])
		json_object_set_new(json, key, rh_json_text(text));
}

static void set_number(json_t *json, const char *key, uint64_t number)
{
	json_object_set_new(json, key, json_integer((json_int_t)number));
}

static void add_problem(json_t *json, const struct rh_problem *problem)
{
	set_text(json, "code", rh_error_name(problem->code));
	set_text(json, "detail", problem->detail);
	set_text(json, "rule", problem->rule);
	if (problem->revision)
		set_number(json, "revision", problem->revision);
	if (problem->caller[0])
		json_object_set_new(json, "edge", json_pack("[o, o]",
			rh_json_text(problem->caller), rh_json_text(problem->callee)));
}

char *rh_audit_text(const struct rh_audit *audit)
{
	json_t *json = json_object();
	char    when[RH_WHEN_TEXT_MAX];

	rh_when_text(rh_when_now(), when);
	set_text(json, "time", when);
	set_text(json, "channel", audit->client->channel);
	set_number(json, "uid", audit->client->uid);
	set_number(json, "pid", (uint64_t)audit->client->pid);
	set_text(json, "exe", audit->client->exe);
	set_text(json, "verb", audit->verb);
	set_text(json, "result", audit->result);
	set_text(json, "kind", audit->kind);
	set_text(json, "name", audit->name);
	set_number(json, "before", audit->before);
	set_number(json, "after", audit->after);
	set_text(json, "reason", audit->reason);
	if (audit->problem)
		add_problem(json, audit->problem);
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(json);
	return text;
}

/* Newest first, each entry is checked against the one that comes after it. */
struct walk {
	unsigned char expected[RH_STORE_HASH_BYTES]; /* of the entry before   */
	char         *text;                          /* of the entry after    */
	unsigned char hash[RH_STORE_HASH_BYTES];     /* of the entry after    */
	uint64_t      seq;
	uint64_t      broken;
};

static void check(struct walk *walk, const unsigned char *before)
{
	unsigned char hash[RH_STORE_HASH_BYTES];

	memcpy(hash, before, sizeof hash);
	rh_chain_next(hash, walk->text);
	if (memcmp(hash, walk->hash, sizeof hash) != 0)
		walk->broken = walk->seq;
}

static int visit(void *user, const struct rh_store_audit *entry)
{
	struct walk *walk = user;

	if (walk->text)
		check(walk, entry->hash);
	if (walk->text && entry->seq + 1 != walk->seq)
		walk->broken = walk->seq;
	free(walk->text);
	walk->text = strdup(entry->text);
	walk->seq = entry->seq;
	memcpy(walk->hash, entry->hash, sizeof walk->hash);
	if (!walk->text)
		return RH_ENOMEM;
	return walk->broken ? RH_ESTORE : 0;
}

int rh_audit_verify(struct rh_store *store, size_t limit, uint64_t *ret_seq)
{
	static const unsigned char zero[RH_STORE_HASH_BYTES];
	struct walk walk = { .seq = 0 };
	int         err = rh_store_audit_list(store, 0, limit, visit, &walk);

	if (err >= 0 && walk.seq == 1)
		check(&walk, zero); /* the very first entry */
	free(walk.text);
	if (walk.broken) {
		*ret_seq = walk.broken;
		return RH_ESTORE;
	}
	return err < 0 ? err : RH_OK;
}
