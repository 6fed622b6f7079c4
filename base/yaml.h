/* yaml - manifest text -> JSON values, with the place of every value.
 *
 * A text holds several documents.  Each becomes a JSON value; beside it stands a
 * map from JSON pointer (RFC 6901) to line and column, so that whoever refuses a
 * value can say where it was written.  Only what JSON can say is accepted: keys
 * are scalars, each key stands once in its mapping, merge keys and tags (but
 * !!str) are refused.
 *
 * Plain scalars have the types of JSON and no others: null (also ~ and nothing),
 * true, false, decimal numbers as JSON writes them.  "yes", "on", "010", "0x10",
 * "1_000" and "12:30" are strings, whatever YAML 1.1 makes of them.
 *
 * Ownership   rh_yaml_destroy frees documents and places; rh_yaml_document lends.
 * Threads     Pure: no I/O, no state; any thread.
 * Limits      below; reaching one is an error with its place.  Aliases are copied
 *             and count as the nodes they stand for. */
#ifndef RH_BASE_YAML_H
#define RH_BASE_YAML_H

#include <jansson.h>
#include <stddef.h>

#define RH_YAML_BYTES_MAX     (16u * 1024u * 1024u)
#define RH_YAML_DOCUMENTS_MAX 65536u
#define RH_YAML_NODES_MAX     1000000u
#define RH_YAML_DEPTH_MAX     16u
#define RH_YAML_ANCHORS_MAX   64u
#define RH_YAML_KEY_MAX       255u
#define RH_YAML_SCALAR_MAX    (1024u * 1024u)

struct rh_diag;
struct rh_yaml;

/* Counted from 1, in characters; line 0 means "not known". */
struct rh_yaml_mark {
	size_t line;
	size_t column;
};

/* Parses text; empty documents are left out.  On failure *ret_mark says where and
 * diag what (without the place); on success *ret_mark is untouched.
 * RH_EINVAL    not YAML, or YAML that JSON cannot say.
 * RH_EMSGSIZE  a limit was reached.
 * RH_ENOMEM    out of memory. */
int rh_yaml_parse(const char *text, size_t len, struct rh_yaml **ret_yaml,
                  struct rh_yaml_mark *ret_mark, struct rh_diag *diag);

void rh_yaml_destroy(struct rh_yaml *yaml);

size_t rh_yaml_count(const struct rh_yaml *yaml);

/* The document, borrowed; NULL past the end. */
json_t *rh_yaml_document(const struct rh_yaml *yaml, size_t index);

/* Where the value at pointer stands in document index, or else its nearest
 * parent: a missing key is shown at the mapping that lacks it.  A mapping or
 * sequence stands where its key does. */
struct rh_yaml_mark rh_yaml_where(const struct rh_yaml *yaml, size_t index,
                                  const char *pointer);

/* Writes value as one YAML document that rh_yaml_parse reads back as the same
 * value; the caller frees.  NULL when out of memory. */
char *rh_yaml_text(const json_t *value);

#endif
