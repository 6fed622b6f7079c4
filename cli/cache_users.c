#include "cache.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536
#define TRIES 16   /* to look at one that becomes another program meanwhile */

struct search {
	struct rh_cache_entry *entries;
	size_t                 count;
	char                   text[PIECE];
};

/* Reads a short file of a process. */
static void read_text(const char *pid, const char *name, char *text, size_t cap)
{
	char    path[64];
	ssize_t n = -1;
	int     fd;

	snprintf(path, sizeof path, "/proc/%.20s/%.20s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, cap - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
}

/* That word of a line of /proc/<pid>/stat, the first is 1; the second is a name in
 * parentheses that may hold anything. */
static uint64_t word_of(const char *line, int wanted)
{
	const char        *at = strrchr(line, ')');
	unsigned long long value = 0;

	for (int word = 2; at && word < wanted; word++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, " %llu", &value) == 1 ? value : 0;
}

uint64_t rh_cache_start(const char *pid)
{
	char text[1024];

	read_text(pid, "stat", text, sizeof text);
	return word_of(text, 22);
}

/* Which program it runs: the places of its memory differ from one exec(2) to the next. */
struct program {
	bool     has_memory; /* else it has ended, or is one of the kernel's */
	uint64_t code, env;  /* 0: it is not a program yet */
};

static struct program program_of(const char *pid)
{
	char text[1024];

	read_text(pid, "stat", text, sizeof text);
	return (struct program){
		.has_memory = word_of(text, 23) > 0, .code = word_of(text, 26),
		.env = word_of(text, 50),
	};
}

static void find(const struct search *search, size_t len)
{
	for (size_t i = 0; i < search->count; i++) {
		struct rh_cache_entry *entry = &search->entries[i];

		if (!entry->in_use &&
		    memmem(search->text, len, entry->hash, RH_SHA256_TEXT - 1))
			entry->in_use = true;
	}
}

/* Reads a file of a process in pieces that overlap, so that no name is cut.  False when
 * it may not be read; one that has ended meanwhile uses nothing. */
static bool search_file(struct search *search, const char *pid, const char *name)
{
	char    path[64];
	size_t  kept = 0;
	ssize_t n;
	int     fd, err_no;

	snprintf(path, sizeof path, "/proc/%.20s/%.20s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno != EACCES && errno != EPERM;
	while ((n = read(fd, search->text + kept, PIECE - kept)) > 0) {
		size_t len = kept + (size_t)n;

		find(search, len);
		kept = len < RH_SHA256_TEXT ? len : RH_SHA256_TEXT;
		memmove(search->text, search->text + len - kept, kept);
	}
	err_no = n < 0 ? errno : 0;
	close(fd);
	return err_no != EACCES && err_no != EPERM;
}

/* It is neither one that got the folder nor a child of one when it was started
 * before. */
static void suspect(const struct search *search, uint64_t start)
{
	for (size_t i = 0; start && i < search->count; i++) {
		if (start >= search->entries[i].earliest)
			search->entries[i].in_use = true;
	}
}

/* False when it cannot be told what it uses.  Who is becoming another program has
 * neither environment nor libraries for a moment, or those of two programs: what was
 * read counts when the program was one and the same before and after. */
static bool search_process(struct search *search, const char *pid)
{
	struct program before = program_of(pid), after;

	for (int i = 0; i < TRIES; i++, before = after) {
		if (!search_file(search, pid, "environ") || !search_file(search, pid, "maps"))
			return false;
		after = program_of(pid);
		if (!after.has_memory || (after.code && after.code == before.code &&
		                          after.env == before.env))
			return true;
	}
	return false;
}

/* Whether it may have got a folder of this user's, whatever rights it has now.  The
 * owner of /proc/<pid> does not tell. */
static bool is_concerned(const char *pid)
{
	char     text[2048], *line;
	unsigned ids[4];

	if (geteuid() == 0)
		return true;
	read_text(pid, "status", text, sizeof text);
	line = strstr(text, "\nUid:");
	if (!line || sscanf(line, "\nUid: %u %u %u %u", &ids[0], &ids[1], &ids[2],
	                    &ids[3]) != 4)
		return true;
	return ids[0] == geteuid() || ids[1] == geteuid() || ids[2] == geteuid();
}

void rh_cache_users(struct rh_cache_entry *entries, size_t count)
{
	struct search *search = malloc(sizeof *search);
	DIR           *proc = opendir("/proc");
	struct dirent *entry;

	for (size_t i = 0; i < count; i++)
		entries[i].in_use = !search || !proc;
	if (search)
		*search = (struct search){ .entries = entries, .count = count };
	while (search && proc && (entry = readdir(proc))) {
		const char *pid = entry->d_name;

		if (!isdigit((unsigned char)pid[0]) || !is_concerned(pid))
			continue;
		if (!search_process(search, pid))
			suspect(search, rh_cache_start(pid));
	}
	if (proc)
		closedir(proc);
	free(search);
}
