#include "history.h"

#include "values.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MAX_NS 4000000u

size_t history_bytes(uint32_t lines, uint32_t per_line)
{
	return sizeof(struct history) +
	       (size_t)lines * per_line * sizeof(struct history_call);
}

static struct history *map(int fd, size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

struct history *history_create(const char *path, uint32_t lines, uint32_t per_line,
                               uint64_t deadline_ns)
{
	struct history *history = NULL;
	size_t          bytes = history_bytes(lines, per_line);
	int             fd;

	if (lines == 0 || lines > HISTORY_LINES_MAX || per_line == 0 ||
	    per_line > HISTORY_CALLS_MAX / lines) {
		errno = EINVAL;
		return NULL;
	}
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	if (ftruncate(fd, (off_t)bytes) == 0)
		history = map(fd, bytes);
	close(fd);
	if (!history)
		return NULL;
	history->magic = HISTORY_MAGIC;
	history->lines = lines;
	history->per_line = per_line;
	history->deadline_ns = deadline_ns;
	return history;
}

struct history *history_open(const char *path)
{
	struct history *history = NULL;
	struct stat     st;
	int             fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && (size_t)st.st_size > sizeof *history)
		history = map(fd, (size_t)st.st_size);
	close(fd);
	if (history && history->magic == HISTORY_MAGIC &&
	    (size_t)st.st_size == history_bytes(history->lines, history->per_line))
		return history;
	if (history)
		munmap(history, (size_t)st.st_size);
	errno = EINVAL;
	return NULL;
}

static struct history_call *call_of(struct history *history, uint64_t id)
{
	if (id < (uint64_t)history->lines * history->per_line)
		return &history->call[id];
	atomic_fetch_add(&history->strays, 1);
	return NULL;
}

/* Half of the bodies are short; the others can be killed in the middle. */
static void take_time(uint64_t id)
{
	uint64_t        much = values_mix(id);
	struct timespec pause = { .tv_nsec = (long)((much >> 8) % PAUSE_MAX_NS) };

	if (much % 2 == 0)
		nanosleep(&pause, NULL);
}

void history_enter(struct history *history, uint64_t id)
{
	struct history_call *call = call_of(history, id);

	if (call)
		atomic_fetch_add(&call->entered, 1);
	take_time(id);
}

void history_leave(struct history *history, uint64_t id)
{
	struct history_call *call = call_of(history, id);

	if (call)
		atomic_fetch_add(&call->left, 1);
}
