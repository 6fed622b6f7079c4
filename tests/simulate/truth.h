/* truth - what the simulated store holds; and the rest of a center as the push sees it:
 * a registry in which everybody may call everybody, and the bodies of items.
 *
 * Ownership   The sim's; durable, so it outlives centers.
 * Threads     One. */
#ifndef RH_TESTS_TRUTH_H
#define RH_TESTS_TRUTH_H

#include "sim.h"

struct rh_center;
struct rh_push;

/* Protocols; an agent may be unable to do one of them, and nobody can do the last. */
enum { PROTOCOLS = 5, NO_PROTOCOL = 4 };
extern const char *const protocol_names[PROTOCOLS];

#define STORE_TEXT 33

struct truth_item {
	struct rh_item_key key;
	uint32_t           len;       /* of the filling; with is_there        */
	uint32_t           filling;
	uint8_t            is_there;
	uint8_t            protocol;
};

struct truth {
	struct sim        *sim;
	uint64_t           revision;
	unsigned char      store[16];
	unsigned           stores;
	unsigned           count;     /* items: a resource each, and all edges */
	struct truth_item  items[KEYS_MAX];
	struct rh_center  *center;    /* what center/push*.c sees of one       */
	void              *memory;    /* of its registry                       */
	/* A copy that may be restored. */
	int                has_backup;
	uint64_t           backup_revision;
	unsigned char      backup_store[16];
	struct truth_item  backup[KEYS_MAX];
};

struct truth *truth_create(struct sim *sim);
void          truth_destroy(struct truth *truth);

void truth_store_text(const unsigned char *store, char text[STORE_TEXT]);

/* Changes some items at random, touching them; commits and publishes, or undoes. */
void truth_change(struct truth *truth, struct rh_push *push);

void truth_back_up(struct truth *truth);
void truth_restore(struct truth *truth);

/* The item of that key. */
const struct truth_item *truth_find(const struct truth *truth,
                                    const struct rh_item_key *key);

#endif
