#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define DELETED " (deleted)"

pid_t rh_process_listener(const char *path, int type, int *ret_errno)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred       cred = { .pid = 0 };
	socklen_t          len = sizeof cred;
	int                fd;

	*ret_errno = ENAMETOOLONG;
	if (strlen(path) >= sizeof address.sun_path)
		return 0;
	strcpy(address.sun_path, path);
	/* Not blocking: the queue of one that is stopped may be full. */
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		*ret_errno = errno;
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		*ret_errno = 0;
	if (fd >= 0)
		close(fd);
	return *ret_errno ? 0 : cred.pid;
}

bool rh_process_is_stopped(pid_t pid)
{
	char  path[64], line[512];
	FILE *file;
	char *state = NULL;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fgets(line, sizeof line, file))
		state = strrchr(line, ')'); /* its name may hold anything */
	fclose(file);
	return state && strlen(state) > 2 && (state[2] == 'T' || state[2] == 't');
}

bool rh_process_has_word(pid_t pid, const char *word)
{
	static char words[65536];
	char        path[64];
	size_t      len = strlen(word), used;
	FILE       *file;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	used = fread(words, 1, sizeof words - 1, file);
	fclose(file);
	words[used] = '\0';
	for (const char *at = words; at < words + used; at += strlen(at) + 1) {
		if (strncmp(at, word, len) == 0 && (at[len] == '\0' || at[len] == '='))
			return true;
	}
	return false;
}

/* A file of that name that is another one counts, and so does none. */
bool rh_process_is_outdated(pid_t pid, char path[PATH_MAX])
{
	char        link[64];
	struct stat running, named;
	ssize_t     len;

	snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
	len = readlink(link, path, PATH_MAX - 1);
	if (len <= 0 || stat(link, &running) < 0)
		return false;
	path[len] = '\0';
	if ((size_t)len > strlen(DELETED) &&
	    strcmp(path + len - strlen(DELETED), DELETED) == 0)
		path[(size_t)len - strlen(DELETED)] = '\0';
	return stat(path, &named) < 0 || named.st_ino != running.st_ino ||
	       named.st_dev != running.st_dev;
}

static long count_entries(const char *folder)
{
	DIR *open = opendir(folder);
	long count = 0;

	if (!open)
		return -1;
	while (readdir(open))
		count++;
	closedir(open);
	return count - 2; /* . and .. */
}

bool rh_process_files(pid_t pid, long *ret_open, long *ret_limit)
{
	char  path[64], line[256];
	FILE *file;
	bool  is_found = false;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	*ret_open = count_entries(path);
	snprintf(path, sizeof path, "/proc/%d/limits", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!is_found && fgets(line, sizeof line, file))
		is_found = sscanf(line, "Max open files %ld", ret_limit) == 1;
	fclose(file);
	return is_found && *ret_open >= 0;
}
