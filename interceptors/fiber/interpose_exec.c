/* Becoming another program.  Whatever was sent to the kernel thread that does so, and that
 * it has not handled, comes to the new program, and one that was not made for the runtime's
 * signal ends by it.  So a thread does it at home, where nobody sends that; its nice value
 * is there, too.  If it fails, carriers run it again. */
#include "attend.h"
#include "park.h"
#include "real.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* Who is to go back, or NULL.  A child of vfork has the memory of its parent, and a kernel
 * thread of its own. */
static struct rh_fiber *go_home(void)
{
	struct rh_fiber *fiber = rh_fiber_current();

	if (!fiber || rh_stats->pid != (uint32_t)rh_sys_pid())
		return NULL;
	rh_park_go_home(fiber);
	rh_attend_release(fiber);
	return fiber;
}

static int go_back(struct rh_fiber *fiber, int result)
{
	int saved = errno;

	if (fiber) {
		rh_attend_take_back(fiber);
		rh_park_go_back(fiber);
	}
	errno = saved;
	return result;
}

#define AT_HOME(name, given, passed) \
	RH_INTERPOSED int name given \
	{ \
		const struct rh_real *real = rh_real_get(); \
		struct rh_fiber *fiber = go_home(); \
\
		return go_back(fiber, real->name passed); \
	}

AT_HOME(execve, (const char *path, char *const words[], char *const settings[]),
	(path, words, settings))
AT_HOME(execv, (const char *path, char *const words[]), (path, words))
AT_HOME(execvp, (const char *file, char *const words[]), (file, words))
AT_HOME(execvpe, (const char *file, char *const words[], char *const settings[]),
	(file, words, settings))
AT_HOME(fexecve, (int fd, char *const words[], char *const settings[]),
	(fd, words, settings))
AT_HOME(execveat, (int fd, const char *path, char *const words[], char *const settings[],
		   int flags), (fd, path, words, settings, flags))

/* ---- with the words one by one: no memory but the stack's may be used ---- */

/* With the NULL behind them. */
static size_t count_words(const char *first, va_list *list)
{
	size_t count = 1;

	for (const char *word = first; word; word = va_arg(*list, const char *))
		count++;
	return count;
}

/* Leaves the list behind the NULL. */
static void take_words(const char *first, va_list *list, char **ret_words)
{
	memcpy(ret_words, &first, sizeof first); /* nobody writes there */
	while (*ret_words)
		*++ret_words = va_arg(*list, char *);
}

/* `words` are those from `first` on; `list` is behind them. */
#define TAKE_WORDS(words, first, list) \
	va_start(list, first); \
	words = __builtin_alloca(count_words(first, &list) * sizeof(char *)); \
	va_end(list); \
	va_start(list, first); \
	take_words(first, &list, words)

RH_INTERPOSED int execl(const char *path, const char *first, ...)
{
	char **words;
	va_list list;

	TAKE_WORDS(words, first, list);
	va_end(list);
	return execv(path, words);
}

RH_INTERPOSED int execlp(const char *file, const char *first, ...)
{
	char **words;
	va_list list;

	TAKE_WORDS(words, first, list);
	va_end(list);
	return execvp(file, words);
}

RH_INTERPOSED int execle(const char *path, const char *first, ...)
{
	char *const *settings;
	char **words;
	va_list list;

	TAKE_WORDS(words, first, list);
	settings = va_arg(list, char *const *);
	va_end(list);
	return execve(path, words, settings);
}
