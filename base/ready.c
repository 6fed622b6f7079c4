#include "ready.h"

#include "identity.h"

#include "../wire/limits.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ready_fd(void)
{
	const char *text = getenv(RH_READY_VARIABLE);
	char       *end;
	long        fd;

	if (!text || !text[0])
		return -1;
	fd = strtol(text, &end, 10);
	return *end || fd < 0 || fd > INT_MAX ? -1 : (int)fd;
}

static void say(int fd, const char *line)
{
	while (fd >= 0 && write(fd, line, strlen(line)) < 0 && errno == EINTR)
		;
}

void rh_ready_tell(void)
{
	static atomic_flag was_told = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&was_told))
		say(ready_fd(), "ready\n");
}

void rh_ready_library(const char *path, int keeps)
{
	char identity[RH_IDENTITY_MAX], line[PATH_MAX + RH_IDENTITY_MAX + 32];

	if (ready_fd() < 0 || rh_identity(path, identity) < 0 || strchr(path, '\n'))
		return;
	snprintf(line, sizeof line, "library %s %s %s\n", identity,
	         keeps ? "keep" : "new", path);
	say(ready_fd(), line);
}

void rh_ready_agent(const char *resource, int is_open)
{
	char line[RH_NAME_MAX + 32];

	snprintf(line, sizeof line, "agent %.*s %s\n", (int)RH_NAME_MAX, resource,
	         is_open ? "open" : "gone");
	say(ready_fd(), line);
}
