/* fields - where two JSON values differ, field by field.
 *
 *   spec.protocol.use: "msgqueue" -> "shm"
 *
 * Objects are compared key by key; anything else is one field, lists too.
 *
 * Ownership   rh_fields_compare gives a new value.
 * Threads     Any; no state. */
#ifndef RH_CLI_FIELDS_H
#define RH_CLI_FIELDS_H

#include <jansson.h>

/* Adds {path, before?, after?} to list for each field that differs; either value may be
 * NULL.  path is that of the values ("spec"). */
void rh_fields_compare(json_t *list, const char *path, const json_t *before,
                       const json_t *after);

#endif
