/* log - one event per line on standard error.
 *
 *   2026-01-31T12:00:00.123Z info agent file: attached pid=12 exe=/usr/bin/file
 *
 * Only main.c and the callbacks of loops log; libraries never do, the call path
 * never does. */
#ifndef RH_BASE_LOG_H
#define RH_BASE_LOG_H

#include <stdint.h>

enum rh_level { RH_LEVEL_ERROR, RH_LEVEL_WARN, RH_LEVEL_INFO, RH_LEVEL_DEBUG };

/* Names the process ("agent file") in every later line; borrowed.  The level is
 * info, or RHODES_LOG = error | warn | info | debug. */
void rh_log_init(const char *process);

/* A process that does the work of several names the one it works for: who is named in
 * the lines from now on; borrowed.  NULL changes nothing.  Returns who was. */
const char *rh_log_as(const char *process);

/* 1 when lines of that level are written. */
int rh_log_is(enum rh_level level);

void rh_log(enum rh_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For what others can bring about as often as they like: a place of the source writes
 * RH_LOG_OFTEN lines a second, and later how many were left out, so that nobody fills
 * the log to push something else out of it.  One thread. */
#define RH_LOG_OFTEN 50u

struct rh_log_brake {
	uint64_t second;
	unsigned lines;
};

/* 1 when one more line may be written. */
int rh_log_may(struct rh_log_brake *brake, enum rh_level level);

#define rh_log_often(level, ...)                            \
	do {                                                \
		static struct rh_log_brake brake_;          \
		if (rh_log_may(&brake_, (level)))           \
			rh_log((level), __VA_ARGS__);       \
	} while (0)

#define rh_warn_often(...) rh_log_often(RH_LEVEL_WARN, __VA_ARGS__)
#define rh_info_often(...) rh_log_often(RH_LEVEL_INFO, __VA_ARGS__)

#define rh_error(...) rh_log(RH_LEVEL_ERROR, __VA_ARGS__)
#define rh_warn(...)  rh_log(RH_LEVEL_WARN, __VA_ARGS__)
#define rh_info(...)  rh_log(RH_LEVEL_INFO, __VA_ARGS__)
#define rh_debug(...) rh_log(RH_LEVEL_DEBUG, __VA_ARGS__)

#endif
