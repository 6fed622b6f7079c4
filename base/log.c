#include "log.h"

#include "clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static const char  *process_name = "rhodes";
static enum rh_level threshold = RH_LEVEL_INFO;

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void rh_log_init(const char *process)
{
	const char *wanted = getenv("RHODES_LOG");

	process_name = process;
	for (int i = 0; wanted && i <= RH_LEVEL_DEBUG; i++) {
		if (strcmp(wanted, level_names[i]) == 0)
			threshold = (enum rh_level)i;
	}
}

const char *rh_log_as(const char *process)
{
	const char *before = process_name;

	if (process)
		process_name = process;
	return before;
}

static size_t put_prefix(char *line, size_t cap, enum rh_level level)
{
	struct timespec now;
	struct tm       utc;
	char            stamp[32];
	int             n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
	n = snprintf(line, cap, "%s.%03ldZ %s %s: ", stamp, now.tv_nsec / 1000000,
	             level_names[level], process_name);
	return n < 0 ? 0 : (size_t)n;
}

int rh_log_is(enum rh_level level)
{
	return level <= threshold;
}

void rh_log(enum rh_level level, const char *format, ...)
{
	char    line[LINE_MAX_BYTES];
	size_t  used;
	va_list args;
	int     n;

	if (level > threshold)
		return;
	used = put_prefix(line, sizeof line - 1, level);
	va_start(args, format);
	n = vsnprintf(line + used, sizeof line - 1 - used, format, args);
	va_end(args);
	used += n < 0 ? 0 : (size_t)n;
	if (used > sizeof line - 2)
		used = sizeof line - 2;
	for (size_t i = 0; i < used; i++) { /* one event, one line; no terminal obeys it */
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	}
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0)
		return; /* nobody reads the log: nothing more can be done */
}

int rh_log_may(struct rh_log_brake *brake, enum rh_level level)
{
	uint64_t second = rh_clock_ns() / RH_NS_PER_S;
	unsigned before = brake->lines;

	if (second == brake->second)
		return brake->lines++ < RH_LOG_OFTEN;
	brake->second = second;
	brake->lines = 1;
	if (before > RH_LOG_OFTEN)
		rh_log(level, "%u more lines like the next one were left out",
		       before - RH_LOG_OFTEN);
	return 1;
}
