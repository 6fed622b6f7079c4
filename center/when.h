/* when - points in time as the API writes them.
 *
 * Threads  Any; no state. */
#ifndef RH_CENTER_WHEN_H
#define RH_CENTER_WHEN_H

#include <stdint.h>

#define RH_WHEN_TEXT_MAX 32

/* Milliseconds since 1970, now. */
uint64_t rh_when_now(void);

/* Milliseconds since 1970 of an RFC 3339 time ("2026-01-31T12:00:00Z", also with
 * a fraction or an offset).  RH_EINVAL. */
int rh_when_parse(const char *text, uint64_t *ret_ms);

/* Milliseconds of "500ms", "30s", "5m" or "2h", at most max.  RH_EINVAL. */
int rh_when_duration(const char *text, uint64_t max_ms, uint64_t *ret_ms);

/* Writes "2026-01-31T12:00:00.123Z". */
void rh_when_text(uint64_t ms, char text[RH_WHEN_TEXT_MAX]);

#endif
