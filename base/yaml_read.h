/* yaml_read - from YAML events to JSON values; the inside of yaml.c.
 *
 * yaml.c owns the documents and finds places in them; yaml_read.c fills one
 * document, value by value, with one bounded recursion per level of nesting.
 * Nobody else includes this header. */
#ifndef RH_BASE_YAML_READ_H
#define RH_BASE_YAML_READ_H

#include "yaml.h"

#include <stdbool.h>
#include <stdint.h>
#include <yaml.h>

#define RH_YAML_NO_PARENT UINT32_MAX

/* One place per value, in the order of the text: a parent stands before its
 * children.  key is owned; NULL in a sequence, where index counts. */
struct rh_yaml_place {
	uint32_t            parent;
	uint32_t            index;
	char               *key;
	struct rh_yaml_mark mark;
};

struct rh_yaml_document {
	json_t               *value;
	struct rh_yaml_place *places;
	size_t                count;
	size_t                capacity;
};

/* nodes, bytes and depth are what an alias to this value costs again. */
struct rh_yaml_anchor {
	char    *name;
	json_t  *value;  /* NULL while the value is still being read */
	size_t   nodes;
	size_t   bytes;
	unsigned depth;
};

struct rh_yaml_reader {
	yaml_parser_t            parser;
	yaml_event_t             event;
	struct rh_yaml_document *document;
	struct rh_yaml_anchor    anchors[RH_YAML_ANCHORS_MAX];
	size_t                   anchor_count;
	size_t                   nodes;
	size_t                   bytes;
	unsigned                 depth;
	struct rh_yaml_mark     *mark;
	struct rh_diag          *diag;
};

/* Notes where and why, returns code. */
int rh_yaml_fail(struct rh_yaml_reader *reader, struct rh_yaml_mark at, int code,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same, at the current event. */
int rh_yaml_fail_here(struct rh_yaml_reader *reader, int code, const char *text);

/* Replaces the current event by the following one.
 * RH_EINVAL  the text is not YAML. */
int rh_yaml_next(struct rh_yaml_reader *reader);

/* Reads one document, from its start event to its end event, into
 * reader->document.  Errors as rh_yaml_parse. */
int rh_yaml_read(struct rh_yaml_reader *reader);

/* Room for one more item; NULL when out of memory, items untouched. */
void *rh_yaml_grown(void *items, size_t count, size_t *capacity, size_t size);

#endif
