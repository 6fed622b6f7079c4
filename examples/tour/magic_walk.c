#include "magic_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 8192u

static void put(const struct magic_library *library, magic_t magic, const char *answer)
{
	if (answer) {
		fputs(answer, stdout);
	} else {
		const char *error = library->error(magic);

		printf("error %d: %s", library->error_number(magic), error ? error : "-");
	}
	putchar('\0');
}

/* Only a plain file is opened: a fifo would wait for a writer. */
static int open_plain(const char *name)
{
	struct stat status;

	if (stat(name, &status) < 0 || !S_ISREG(status.st_mode))
		return -1;
	return open(name, O_RDONLY | O_CLOEXEC);
}

static void put_contents(const struct magic_library *library, magic_t magic,
                         const char *name)
{
	static char head[HEAD_BYTES];
	int fd = open_plain(name);

	if (fd < 0) {
		printf("not opened%c", '\0');
		return;
	}
	put(library, magic, library->by_descriptor(magic, fd));
	ssize_t len = pread(fd, head, sizeof head, 0);
	close(fd);
	put(library, magic, library->by_buffer(magic, head, len < 0 ? 0 : (size_t)len));
}

static magic_t open_magic(const struct magic_library *library, int flags)
{
	magic_t magic = library->open(flags);

	if (!magic) {
		perror("magic_open");
		return NULL;
	}
	if (library->load(magic, NULL) != 0) {
		fprintf(stderr, "magic_load: %s\n", library->error(magic));
		library->close(magic);
		return NULL;
	}
	return magic;
}

static int set_limit(const struct magic_library *library, magic_t magic)
{
	size_t limit = 512, now = 0;

	if (library->setparam(magic, MAGIC_PARAM_NAME_MAX, &limit) != 0 ||
	    library->getparam(magic, MAGIC_PARAM_NAME_MAX, &now) != 0)
		return -1;
	return now == limit ? 0 : -1;
}

int magic_walk(const struct magic_library *library)
{
	char *name = NULL;
	size_t room = 0;
	magic_t plain = open_magic(library, MAGIC_NONE);
	magic_t mime = open_magic(library, MAGIC_NONE);

	if (!plain || !mime)
		return 1;
	if (library->setflags(mime, MAGIC_MIME) != 0 || set_limit(library, plain) != 0) {
		fprintf(stderr, "libmagic keeps no settings\n");
		return 1;
	}
	printf("version %d\n", library->version());
	while (getdelim(&name, &room, '\0', stdin) > 0) {
		printf("%s%c", name, '\0');
		put(library, plain, library->by_name(plain, name));
		put(library, mime, library->by_name(mime, name));
		put_contents(library, plain, name);
		putchar('\n');
	}
	library->close(plain);
	library->close(mime);
	free(name);
	return 0;
}
