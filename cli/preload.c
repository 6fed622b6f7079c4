#include "preload.h"

#include "tool.h"

#include "../base/diag.h"
#include "../base/gonote.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LIBRARY "librhodes-fiber.so"

/* A folder may be searched, which is not what is asked. */
static int may_run(const char *path)
{
	struct stat st;

	if (access(path, X_OK) != 0 || stat(path, &st) != 0)
		return 0;
	errno = EACCES; /* as exec has it */
	return S_ISREG(st.st_mode);
}

int rh_preload_program(const char *name, char path[PATH_MAX])
{
	const char *folders = getenv("PATH");
	size_t      len;

	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		return may_run(path) ? RH_OK : RH_ENOENT;
	}
	for (const char *at = folders ? folders : "/bin:/usr/bin"; *at; at += len + (at[len] == ':')) {
		len = strcspn(at, ":");
		snprintf(path, PATH_MAX, "%.*s%s%s", (int)len, at, len ? "/" : "./", name);
		if (may_run(path))
			return RH_OK;
	}
	return RH_ENOENT;
}

static int is_go_note(int fd, const Elf64_Phdr *part)
{
	unsigned char text[4096];
	size_t        size = part->p_filesz < sizeof text ? part->p_filesz : sizeof text;
	ssize_t       n = pread(fd, text, size, (off_t)part->p_offset);

	return n > 0 && rh_gonote_is_in(text, (size_t)n);
}

/* What an ELF file says of who starts it, and who made it. */
struct parts {
	int has_loader, is_go;
};

static struct parts look_at(int fd, const Elf64_Ehdr *head)
{
	struct parts parts = { 0 };
	Elf64_Phdr   part;

	for (unsigned i = 0; i < head->e_phnum; i++) {
		off_t at = (off_t)(head->e_phoff + (Elf64_Off)i * sizeof part);

		if (pread(fd, &part, sizeof part, at) != (ssize_t)sizeof part)
			break;
		parts.has_loader |= part.p_type == PT_INTERP;
		parts.is_go |= part.p_type == PT_NOTE && is_go_note(fd, &part);
	}
	return parts;
}

static int check_elf(const char *path, int fd, const Elf64_Ehdr *head, struct rh_diag *why)
{
	struct parts parts = look_at(fd, head);

	if (!parts.has_loader)
		return rh_diag_set(why, RH_ENOCARRY, "%.180s is linked statically: no library can "
		                   "be put in front of it", path);
	if (parts.is_go)
		return rh_diag_set(why, RH_ENOCARRY, "%.180s is a program of Go, whose runtime "
		                   "sends signals to threads of the kernel", path);
	return RH_OK;
}

/* "#! /bin/sh -e" -> "/bin/sh" */
static int read_interpreter(int fd, char path[PATH_MAX])
{
	char    line[256];
	ssize_t n = pread(fd, line, sizeof line - 1, 0);
	char   *at = line + 2;

	if (n < 4 || memcmp(line, "#!", 2) != 0)
		return RH_ENOENT;
	line[n] = '\0';
	at += strspn(at, " \t");
	snprintf(path, PATH_MAX, "%.*s", (int)strcspn(at, " \t\n"), at);
	return RH_OK;
}

const char *rh_preload_privilege(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID)) != 0)
		return "is set-user-id";
	/* The loader leaves root's environment as it is: root gets no right by them. */
	if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
		return "has capabilities of its own (setcap)";
	return NULL;
}

static int check_open(const char *path, int fd, int depth, struct rh_diag *why)
{
	const char *privilege = rh_preload_privilege(path);
	Elf64_Ehdr  head;
	char        interpreter[PATH_MAX];

	if (privilege)
		return rh_diag_set(why, RH_ENOCARRY, "%.180s %s: the loader would not put any "
		                   "library in front of it", path, privilege);
	if (pread(fd, &head, sizeof head, 0) == (ssize_t)sizeof head &&
	    memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 &&
	    head.e_ident[EI_CLASS] == ELFCLASS64)
		return check_elf(path, fd, &head, why);
	if (depth > 0 || read_interpreter(fd, interpreter) < 0)
		return rh_diag_set(why, RH_ENOCARRY, "%.180s is no program of this machine and "
		                   "no script", path);
	fd = open(interpreter, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rh_diag_set(why, RH_ENOCARRY, "the interpreter of %.180s is missing", path);
	int r = check_open(interpreter, fd, depth + 1, why);

	close(fd);
	return r;
}

int rh_preload_check(const char *path, struct rh_diag *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return rh_diag_set(why, RH_ENOCARRY, "%.180s cannot be read", path);
	r = check_open(path, fd, 0, why);
	close(fd);
	return r;
}

int rh_preload_library(char path[PATH_MAX], struct rh_diag *why)
{
	static const char *const folders[] = {
		"/../interceptors/fiber", "/../lib/rhodes", "/../lib/x86_64-linux-gnu/rhodes",
		"/../lib/x86_64-linux-gnu", "/../lib",
	};
	char  self[PATH_MAX], *slash;

	if (rh_tool_self(self, why) < 0)
		return RH_ENOENT;
	slash = strrchr(self, '/');
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		int n = snprintf(path, PATH_MAX, "%.*s%s/" LIBRARY, (int)(slash - self), self,
		                 folders[i]);

		if (n < PATH_MAX && access(path, R_OK) == 0)
			return RH_OK;
	}
	return rh_diag_set(why, RH_ENOENT, LIBRARY " is not installed");
}

void rh_preload_enter(const char *library)
{
	const char *before = getenv("LD_PRELOAD");
	char        text[2 * PATH_MAX];

	snprintf(text, sizeof text, "%s%s%s", library, before && before[0] ? ":" : "",
	         before ? before : "");
	setenv("LD_PRELOAD", text, 1);
}
