/* plural - the ending of a noun after a number.
 *
 *   snprintf(text, cap, "%u edge%s", count, rh_plural(count));
 *
 * Threads     Pure. */
#ifndef RH_BASE_PLURAL_H
#define RH_BASE_PLURAL_H

/* "" after 1, else "s". */
const char *rh_plural(unsigned long long count);

#endif
