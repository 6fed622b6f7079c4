/* object - one resource, interface, rule or module as it is stored.
 *
 * text is the stored JSON, compact with sorted keys:
 *   {"expired"?, "labels"?, "leaves"?, "owner", "spec", "status"?}
 * owner is the uid that applied it; expired says that the center ended an
 * exception; leaves is rollback.h's; status is a module's signature.  Objects are never
 * changed, but for put_ns: a change makes another one.
 *
 * Ownership   create gives one block, destroy frees it; catalog.h keeps them.
 * Threads     Any.
 * Invariants  O1  name is NUL-terminated and fits the kind's grammar.
 *             O2  text parses. */
#ifndef RH_CENTER_OBJECT_H
#define RH_CENTER_OBJECT_H

#include "limits.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum rh_object_kind {
	RH_OBJECT_RESOURCE,
	RH_OBJECT_INTERFACE,
	RH_OBJECT_RULE,
	RH_OBJECT_MODULE,
	RH_OBJECT_KINDS
};

#define RH_OBJECT_KEY_MAX (RH_OBJECT_NAME_MAX + 16u)

struct rh_object {
	uint64_t            revision;
	uint64_t            generation;
	uint64_t            created;     /* the revision that made it            */
	uint64_t            put_ns;      /* of a module: when it came here, or was
	                                    seen to be needed: leftover.h        */
	size_t              text_bytes;
	enum rh_object_kind kind;
	char                name[RH_OBJECT_NAME_MAX + 1];
	char                text[];
};

/* NULL when there is no memory.  text needs no NUL. */
struct rh_object *rh_object_create(enum rh_object_kind kind, const char *name,
                                   const void *text, size_t text_bytes);
void rh_object_destroy(struct rh_object *object);

/* "Resource"; the kind of that name, or RH_OBJECT_KINDS. */
const char         *rh_object_kind_text(enum rh_object_kind kind);
enum rh_object_kind rh_object_kind_parse(const char *text);

/* "resources", as in paths and keys. */
const char         *rh_object_plural(enum rh_object_kind kind);
enum rh_object_kind rh_object_plural_parse(const char *text, size_t len);

/* Writes the store's key, "/resources/net_driver". */
void rh_object_key(enum rh_object_kind kind, const char *name,
                   char key[RH_OBJECT_KEY_MAX]);

/* Takes a key apart; returns the name in it, or NULL for a key of others. */
const char *rh_object_key_parse(const char *key, enum rh_object_kind *ret_kind);

/* The stored JSON, a new value; NULL when it does not parse (O2 broken). */
json_t *rh_object_parse(const struct rh_object *object);

/* The object as the API shows it, a new value.  conditions is stolen. */
json_t *rh_object_json(const struct rh_object *object, const char *store_id,
                       json_t *conditions);

#endif
