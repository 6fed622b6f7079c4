/* sentence - a verdict in English, naming pair, rule and revision.
 *
 *   net_driver (driver) -> file_system (service): refused by rule hierarchy at
 *   revision 7: a driver may call hardware
 *
 * Threads  Any; no state. */
#ifndef RH_CENTER_SENTENCE_H
#define RH_CENTER_SENTENCE_H

#include <stddef.h>

struct rh_hierarchy;
struct rh_verdict;

#define RH_SENTENCE_MAX 768

/* Writes one sentence without a full stop, cut to cap. */
void rh_sentence_verdict(const struct rh_verdict *verdict,
                         const struct rh_hierarchy *hierarchy, char *text,
                         size_t cap);

/* "a driver may call hardware", "hardware may call nothing". */
void rh_sentence_row(const struct rh_hierarchy *hierarchy, int caller_type,
                     char *text, size_t cap);

#endif
