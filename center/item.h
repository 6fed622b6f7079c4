/* item - a resource or an edge as agents are told of it, encoded.
 *
 * The body of an item is one record, SELF or EDGE_ITEM; an ITEM wraps it with its
 * key and the revision at which the body changed.  The bytes are the same for the
 * agents of both ends, so that an item is encoded once, whoever wants it.
 *
 * A view (HELLO of version 1) has SELF as it is, and edges with the type of the
 * other end only: rh_item_put_edge writes both forms.
 *
 * Ownership   The caller owns writers; an encoder keeps the callee that it parsed
 *             last until rh_item_encoder_fini.
 * Threads     One.  The realm must not change while an encoder is in use.
 * Limits      RH_ITEM_BYTES_MAX. */
#ifndef RH_CENTER_ITEM_H
#define RH_CENTER_ITEM_H

#include "../model/delta.h"
#include "../model/registry.h"
#include "../wire/limits.h"
#include "../wire/record.h"

#include <jansson.h>

struct rh_center;
struct rh_object;

/* Of an ITEM: it fits a frame together with all that stands around it. */
#define RH_ITEM_BYTES_MAX (RH_FRAME_MAX - 512u)

struct rh_item_encoder {
	const struct rh_center *center;
	const struct rh_object *callee;   /* parsed last; NULL: none, or unregistered */
	json_t                 *stored;
};

enum rh_item_form {
	RH_ITEM_WHOLE,      /* CALLER_TYPE, and TYPE is the callee's     */
	RH_ITEM_OF_CALLER,  /* for the caller's view: the callee's TYPE  */
	RH_ITEM_OF_CALLEE,  /* for the callee's view: the caller's TYPE  */
};

void rh_item_encoder_init(struct rh_item_encoder *encoder,
                          const struct rh_center *center);
void rh_item_encoder_fini(struct rh_item_encoder *encoder);

/* Makes a key; the names are valid.  callee is NULL for a resource. */
struct rh_item_key rh_item_key_of(const char *caller, const char *callee);

/* Writes the records inside SELF or EDGE_ITEM. */
void rh_item_put_self(const struct rh_center *center, struct rh_record_writer *writer,
                      const struct rh_object *object);
void rh_item_put_edge(struct rh_item_encoder *encoder, struct rh_record_writer *writer,
                      const struct rh_name *caller, const struct rh_name *callee,
                      enum rh_item_form form);

/* Writes the body of the item as it is now: 1; nothing when there is no such
 * resource or edge: 0.
 * RH_EMSGSIZE  it does not fit the writer. */
int rh_item_body(struct rh_item_encoder *encoder, const struct rh_item_key *key,
                 struct rh_record_writer *writer);

/* Writes what an ITEM holds: key, revision and body; no body: a tombstone. */
void rh_item_wrap(struct rh_record_writer *writer, const struct rh_item_key *key,
                  uint64_t revision, const void *body, size_t body_bytes);

#endif
