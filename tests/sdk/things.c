#include "things.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

struct box  { int value; };
struct lid  { box *on; };
struct vase { int value; };

static struct things_ledger *ledger;

static _Atomic uint32_t *word(uint32_t *of)
{
	return (_Atomic uint32_t *)(void *)of;
}

__attribute__((constructor)) static void open_ledger(void)
{
	const char *path = getenv("THINGS_LEDGER");
	int         fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return; /* loaded, but not to be called: not by a worker */
	ledger = mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ledger == MAP_FAILED)
		abort();
	close(fd);
	atomic_fetch_add(word(&ledger->workers), 1);
}

static void ran(int id)
{
	atomic_fetch_add(word(&ledger->ran[id % THINGS_IDS]), 1);
}

static void enter(void)
{
	uint32_t now = atomic_fetch_add(word(&ledger->inside), 1) + 1;
	uint32_t max = atomic_load(word(&ledger->inside_max));

	while (now > max &&
	       !atomic_compare_exchange_weak(word(&ledger->inside_max), &max, now))
		;
}

static void leave(void)
{
	atomic_fetch_sub(word(&ledger->inside), 1);
}

static void hold(void)
{
	atomic_fetch_add(word(&ledger->entered), 1);
	syscall(SYS_futex, &ledger->entered, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	while (atomic_load(word(&ledger->gate)) == 0)
		syscall(SYS_futex, &ledger->gate, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static _Noreturn void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

EXPORT int things_add(int a, int b)
{
	return a + b;
}

EXPORT int things_once(int id)
{
	enter();
	ran(id);
	leave();
	return id;
}

EXPORT int things_again(int id)
{
	ran(id);
	return id;
}

EXPORT int things_hold(int id)
{
	enter();
	ran(id);
	hold();
	leave();
	return id;
}

EXPORT int things_hold_again(int id)
{
	return things_hold(id);
}

EXPORT int things_die(int id)
{
	ran(id);
	die();
}

EXPORT int things_die_first(int id)
{
	ran(id);
	if (atomic_load(word(&ledger->ran[id % THINGS_IDS])) == 1)
		die();
	return id;
}

EXPORT long things_copy(const void *in, size_t in_len, void *out, size_t cap)
{
	size_t len = in_len < cap ? in_len : cap;

	memcpy(out, in, len);
	return (long)len;
}

/* As many libraries do: too little room, and how much it would take. */
EXPORT int things_fill(size_t *len, char *buffer)
{
	size_t room = *len;

	*len = 4096;
	if (room < 4096)
		return -1;
	memset(buffer, 'f', 4096);
	return 0;
}

EXPORT double things_die_double(void) { die(); }
EXPORT struct things_pair things_die_pair(void) { die(); }
EXPORT const char *things_die_text(void) { die(); }
EXPORT unsigned things_die_unsigned(void) { die(); }
EXPORT void things_die_void(void) { die(); }

EXPORT int things_callback(int (*callback)(void))
{
	return callback();
}

EXPORT box *box_new(int value)
{
	box *made = malloc(sizeof *made);

	made->value = value;
	atomic_fetch_add(word(&ledger->boxes), 1);
	return made;
}

EXPORT int box_set(box *of, int value)
{
	of->value = value;
	return 0;
}

EXPORT int box_get(const box *of)
{
	return of->value;
}

/* Counts itself inside, as things_once does: a destructor must not run beside it. */
EXPORT void box_free(box *of)
{
	enter();
	atomic_fetch_sub(word(&ledger->boxes), 1);
	free(of);
	leave();
}

EXPORT int box_die(box *of)
{
	ran(of->value);
	if (atomic_load(word(&ledger->ran[of->value % THINGS_IDS])) == 1)
		die();
	return of->value;
}

EXPORT lid *lid_new(box *on)
{
	lid *made = malloc(sizeof *made);

	made->on = on;
	return made;
}

EXPORT int lid_get(const lid *of)
{
	return of->on->value * 10;
}

EXPORT void lid_free(lid *of)
{
	free(of);
}

EXPORT vase *vase_new(int value)
{
	vase *made = malloc(sizeof *made);

	made->value = value;
	return made;
}

EXPORT int vase_get(const vase *of)
{
	return of->value;
}

EXPORT int vase_look(const vase *of)
{
	return of->value;
}

EXPORT void vase_free(vase *of)
{
	free(of);
}

EXPORT const char *things_where(const char *path)
{
	static _Thread_local char text[8192];
	char                      directory[4096] = "?";
	const char               *things = getenv("THINGS");
	mode_t                    mask = umask(0);

	umask(mask);
	if (!getcwd(directory, sizeof directory))
		return NULL;
	snprintf(text, sizeof text, "%s %03o %s %s %s", directory, (unsigned)mask,
	         things ? things : "-", nl_langinfo(CODESET), path);
	return text;
}

EXPORT int things_touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

EXPORT int things_read(int fd, void *buffer, size_t cap)
{
	return (int)read(fd, buffer, cap);
}

EXPORT int things_open(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC);
}

EXPORT int things_print(const char *text)
{
	return printf("%s\n", text);
}

EXPORT int things_event(int *value)
{
	static uint32_t seen;

	while (atomic_load(word(&ledger->told)) == seen)
		syscall(SYS_futex, &ledger->told, FUTEX_WAIT, seen, NULL, NULL, 0);
	*value = (int)++seen;
	return 0;
}
