/* duration - how long something takes or is still to last, as people say it.
 *
 *   "437ms"  "12s"  "59m 59s"  "1h"  "1h 5s"
 *
 * Threads     Pure. */
#ifndef RH_BASE_DURATION_H
#define RH_BASE_DURATION_H

#include <stddef.h>
#include <stdint.h>

#define RH_DURATION_TEXT_MAX 32

/* Writes it, rounded up: to milliseconds below a second, else to seconds.  Returns text. */
char *rh_duration_text(uint64_t ns, char text[RH_DURATION_TEXT_MAX]);

#endif
