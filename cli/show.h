/* show - pieces of objects in the words of a person; used by get and describe.
 *
 * Ownership   Results borrow from the object or from the caller's buffer.
 * Threads     Pure. */
#ifndef RH_CLI_SHOW_H
#define RH_CLI_SHOW_H

#include "text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The text under key, or NULL. */
const char *rh_show_text(const json_t *object, const char *key);

/* metadata.name, or NULL; metadata.generation and such, or 0. */
const char *rh_show_name(const json_t *object);
long long   rh_show_number(const json_t *object, const char *key);

/* The condition of that type, or NULL. */
const json_t *rh_show_condition(const json_t *object, const char *type);

/* One word for a resource: Ready, NotReady, EdgeRefused, Pending, Registered. */
const char *rh_show_status(const json_t *object, enum rh_style *ret_style);

/* Of a rule, where it is in force: "Active 2 of 2", "Rejected 1 of 2", "Expired"; NULL
 * when it does not tell. */
const char *rh_show_in_force(const json_t *object, char *text, size_t cap,
                             enum rh_style *ret_style);

/* In a few words, how far an agent has what it was told: "up to date", "2 rejected";
 * empty when it does not tell. */
const char *rh_show_agent(const json_t *agent, char *text, size_t cap,
                          enum rh_style *ret_style);

/* "2 of 2" of a resource that is served, "1" of another, "" for none. */
const char *rh_show_instances(const json_t *object, char *text, size_t cap);

/* "a, b, c". */
const char *rh_show_list(const json_t *list, char *text, size_t cap);

/* "12, 13": the pids of instances. */
const char *rh_show_pids(const json_t *instances, char *text, size_t cap);

/* "libmagic.so.1 x2", "nic --tap", "". */
const char *rh_show_served_by(const json_t *spec, char *text, size_t cap);

/* Lines of a canonical text that are functions. */
long long rh_show_functions(const char *text);

struct rh_show_rule {
	const char *kind;       /* protocol, limits, exception, hierarchy, ... */
	char        edge[160];  /* "a -> b", a resource, or ""       */
	bool        is_of_resource;
	char        says[512];
};

void rh_show_rule(const json_t *object, struct rh_show_rule *ret_rule);

#endif
