/* log - one event per line on standard error.
 *
 *   2026-01-31T12:00:00.123Z info agent file: attached pid=12 exe=/usr/bin/file
 *
 * Only main.c and the callbacks of loops log; libraries never do, the call path
 * never does. */
#ifndef RH_BASE_LOG_H
#define RH_BASE_LOG_H

enum rh_level { RH_LEVEL_ERROR, RH_LEVEL_WARN, RH_LEVEL_INFO, RH_LEVEL_DEBUG };

/* Names the process ("agent file") in every later line; borrowed.  The level is
 * info, or RHODES_LOG = error | warn | info | debug. */
void rh_log_init(const char *process);

void rh_log(enum rh_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define rh_error(...) rh_log(RH_LEVEL_ERROR, __VA_ARGS__)
#define rh_warn(...)  rh_log(RH_LEVEL_WARN, __VA_ARGS__)
#define rh_info(...)  rh_log(RH_LEVEL_INFO, __VA_ARGS__)
#define rh_debug(...) rh_log(RH_LEVEL_DEBUG, __VA_ARGS__)

#endif
