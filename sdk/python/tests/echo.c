/* echo - as the header says. */
#include "echo.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define MEET_S 30

struct echo_box {
	char *text;
};

static _Atomic int boxes;

#define ECHO(type, name) \
	EXPORT type echo_##name(type value) { return value; }
ECHO(int8_t, i8)
ECHO(int16_t, i16)
ECHO(int32_t, i32)
ECHO(int64_t, i64)
ECHO(uint8_t, u8)
ECHO(uint16_t, u16)
ECHO(uint32_t, u32)
ECHO(uint64_t, u64)
ECHO(float, f32)
ECHO(double, f64)
ECHO(bool, bool)
ECHO(enum echo_color, color)

EXPORT struct echo_deep echo_deep(struct echo_deep deep)
{
	return deep;
}

EXPORT int echo_deep_pointer(const struct echo_deep *deep, struct echo_deep *ret_deep)
{
	*ret_deep = *deep;
	return 0;
}

EXPORT int echo_grid(const int32_t numbers[4], int32_t ret_numbers[4])
{
	memcpy(ret_numbers, numbers, 4 * sizeof *numbers);
	return 0;
}

EXPORT int echo_numbers(const int32_t *in, uint64_t *out, double *both)
{
	*out = (uint64_t)*in + 1;
	*both += *in;
	return 0;
}

EXPORT int echo_maybe(const int32_t *number)
{
	return number ? *number : -1;
}

EXPORT const char *echo_text(const char *text)
{
	static _Thread_local char *kept;

	free(kept);
	kept = text ? strdup(text) : NULL;
	return kept;
}

EXPORT char *echo_own(const char *text)
{
	return strdup(text);
}

EXPORT int echo_out_text(const char *text, char **ret_text)
{
	*ret_text = strdup(text);
	return *ret_text ? 0 : -1;
}

EXPORT int echo_path(const char *path, char **ret_path)
{
	*ret_path = path ? strdup(path) : NULL;
	return path != NULL;
}

EXPORT int64_t echo_bytes(const void *bytes, size_t len, void *room, size_t cap)
{
	size_t n = len < cap ? len : cap;

	if (n > 0)
		memcpy(room, bytes, n);
	return (int64_t)n;
}

EXPORT int echo_words(const uint32_t *words, int32_t count, uint32_t *room, uint32_t cap,
                      uint32_t *used)
{
	*used = (uint32_t)count < cap ? (uint32_t)count : cap;
	if (*used > 0)
		memcpy(room, words, *used * sizeof *words);
	return 0;
}

EXPORT int echo_half(void *bytes, size_t *len)
{
	(void)bytes;
	*len /= 2;
	return 0;
}

EXPORT int echo_fd(int fd, int *ret_fd)
{
	*ret_fd = dup(fd);
	return *ret_fd < 0 ? -1 : 0;
}

EXPORT struct echo_box *echo_box_new(const char *text)
{
	struct echo_box *box = malloc(sizeof *box);

	if (!box)
		return NULL;
	box->text = strdup(text);
	boxes++;
	return box;
}

EXPORT int echo_box_two(struct echo_box **ret_box, struct echo_box *from)
{
	*ret_box = echo_box_new(from->text);
	return 0;
}

EXPORT const void *echo_box_bytes(struct echo_box *box, size_t *ret_len)
{
	*ret_len = strlen(box->text);
	return box->text;
}

EXPORT struct echo_box *echo_box_same(struct echo_box *box)
{
	return box;
}

EXPORT const char *echo_box_text(struct echo_box *box)
{
	return box->text;
}

EXPORT const char *echo_box_say(struct echo_box *box, const char *text)
{
	(void)box;
	return echo_text(text);
}

EXPORT void echo_box_drop(struct echo_box *box)
{
	boxes--;
	free(box->text);
	free(box);
}

EXPORT int echo_box_count(void)
{
	return boxes;
}

EXPORT int echo_meet(int count)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t  changed = PTHREAD_COND_INITIALIZER;
	static int             inside, met;
	struct timespec        until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += MEET_S;
	pthread_mutex_lock(&lock);
	if (++inside > met)
		met = inside;
	pthread_cond_broadcast(&changed);
	while (met < count && pthread_cond_timedwait(&changed, &lock, &until) == 0)
		;
	inside--;
	count = met;
	pthread_mutex_unlock(&lock);
	return count;
}

static pthread_mutex_t rings_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  rings_changed = PTHREAD_COND_INITIALIZER;
static uint64_t        rings, rings_told;
static int8_t          rings_who;

EXPORT int echo_rung(uint64_t *ret_number, struct echo_pair *ret_pair, char **ret_text)
{
	pthread_mutex_lock(&rings_lock);
	while (rings_told == rings)
		pthread_cond_wait(&rings_changed, &rings_lock);
	*ret_number = ++rings_told;
	*ret_pair = (struct echo_pair){ .high = *ret_number, .low = rings_who };
	pthread_mutex_unlock(&rings_lock);
	return asprintf(ret_text, "ring %llu", (unsigned long long)*ret_number) < 0 ? -1 : 0;
}

EXPORT void echo_ring(int8_t who, int count)
{
	pthread_mutex_lock(&rings_lock);
	rings_who = who;
	rings += (uint64_t)count;
	pthread_cond_broadcast(&rings_changed);
	pthread_mutex_unlock(&rings_lock);
}

EXPORT int echo_pid(void)
{
	return getpid();
}

EXPORT int echo_fail(int number)
{
	errno = number;
	return -1;
}

EXPORT void echo_die(void)
{
	_exit(3);
}
