#include "kinds.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAME(type, name) type name(type value) { return value; }

SAME(int8_t, kinds_i8)
SAME(uint8_t, kinds_u8)
SAME(int16_t, kinds_i16)
SAME(uint16_t, kinds_u16)
SAME(int32_t, kinds_i32)
SAME(uint32_t, kinds_u32)
SAME(int64_t, kinds_i64)
SAME(uint64_t, kinds_u64)
SAME(float, kinds_f32)
SAME(double, kinds_f64)
SAME(enum kinds_color, kinds_enum)
SAME(struct kinds_outer, kinds_struct)

int64_t kinds_mix(int8_t a, uint8_t b, int16_t c, uint16_t d, uint32_t e, int64_t f)
{
	return (int64_t)((uint64_t)a + b + (uint64_t)c + d + e + (uint64_t)f);
}

int kinds_struct_in(const struct kinds_outer *value, struct kinds_outer *ret_value)
{
	if (!value)
		return -1;
	*ret_value = *value;
	return 0;
}

void kinds_struct_inout(struct kinds_inner *value)
{
	*value = (struct kinds_inner){ .x = value->y, .y = value->x };
}

void kinds_id(uint8_t out[16], const uint8_t in[16])
{
	for (int i = 0; i < 16; i++)
		out[i] = in[15 - i];
}

int kinds_scalars(int64_t in, int64_t *ret_twice, uint32_t *count, double *ret_half)
{
	*ret_twice = (int64_t)(2 * (uint64_t)in);
	*count += 1;
	*ret_half = (double)in / 2;
	return 7;
}

const char *kinds_text(const char *text)
{
	static _Thread_local char *kept;

	free(kept);
	return kept = strdup(text);
}

const char *kinds_maybe(const char *text)
{
	return text ? kinds_text(text) : NULL;
}

char *kinds_own(const char *text)
{
	return strdup(text);
}

int kinds_text_out(const char *text, char **ret_text)
{
	*ret_text = strdup(text);
	return (int)strlen(text);
}

const char *kinds_broken(void)
{
	return "a\xff\xc3z";
}

int64_t kinds_path(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

uint64_t kinds_sum(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t             sum = len;

	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + at[i];
	return sum;
}

int64_t kinds_words(const uint32_t *words, uint32_t count)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += words[i];
	return sum;
}

int64_t kinds_fill(void *bytes, size_t cap, uint32_t wanted)
{
	size_t count = wanted < cap ? wanted : cap;

	for (size_t i = 0; i < count; i++)
		((unsigned char *)bytes)[i] = (unsigned char)i;
	return (int64_t)count;
}

/* Stores how much there would have been. */
int kinds_copy(const void *bytes, size_t len, void *copy, size_t *room)
{
	size_t count = len < *room ? len : *room;

	memcpy(copy, bytes, count);
	*room = len;
	return count == len ? 0 : -1;
}

int kinds_reverse(void *bytes, uint32_t len)
{
	unsigned char *at = bytes;

	for (uint32_t i = 0; i < len / 2; i++) {
		unsigned char other = at[len - 1 - i];

		at[len - 1 - i] = at[i];
		at[i] = other;
	}
	return (int)len;
}

int64_t kinds_drain(int fd)
{
	char    room[4096];
	int64_t all = 0;
	ssize_t n;

	while ((n = read(fd, room, sizeof room)) > 0)
		all += n;
	return n < 0 ? -1 : all;
}

int kinds_open_null(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* --- objects ------------------------------------------------------------------------ */

struct box {
	int  value;
	char name[32];
};

static _Atomic int boxes;

struct box *box_new(int value)
{
	struct box *box = calloc(1, sizeof *box);

	box->value = value;
	boxes++;
	return box;
}

int box_make(int value, struct box **ret_box)
{
	*ret_box = value < 0 ? NULL : box_new(value);
	return value;
}

int box_get(const struct box *box)
{
	return box ? box->value : -1;
}

int box_set(struct box *box, int value)
{
	int before = box->value;

	box->value = value;
	return before;
}

struct box *box_self(struct box *box)
{
	return box;
}

const char *box_name(struct box *box)
{
	memcpy(box->name, "box", 4);
	box->name[3] = (char)('0' + box->value % 10);
	return box->name;
}

const unsigned char *kinds_peek(struct box *box, size_t *ret_len)
{
	*ret_len = 4;
	return (const unsigned char *)&box->value;
}

void box_free(struct box *box)
{
	boxes -= box != NULL;
	free(box);
}

int box_count(void)
{
	return boxes;
}

/* --- calls beside each other -------------------------------------------------------- */

static pthread_mutex_t meeting = PTHREAD_MUTEX_INITIALIZER;
static int             waiting;

int kinds_meet(int count)
{
	static pthread_cond_t all = PTHREAD_COND_INITIALIZER;
	static unsigned       round;
	unsigned              mine;

	pthread_mutex_lock(&meeting);
	mine = round;
	if (++waiting >= count) {
		waiting = 0;
		round++;
		pthread_cond_broadcast(&all);
	}
	while (mine == round)
		pthread_cond_wait(&all, &meeting);
	pthread_mutex_unlock(&meeting);
	return count;
}

int kinds_waiting(void)
{
	int count;

	pthread_mutex_lock(&meeting);
	count = waiting;
	pthread_mutex_unlock(&meeting);
	return count;
}

static pthread_mutex_t rings_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  rings_changed = PTHREAD_COND_INITIALIZER;
static int64_t         ringing;
static int             rings, rings_told;

void kinds_ring(int64_t who, int count)
{
	pthread_mutex_lock(&rings_lock);
	ringing = who;
	rings += count;
	pthread_cond_broadcast(&rings_changed);
	pthread_mutex_unlock(&rings_lock);
}

int kinds_rung(int64_t *ret_who, struct kinds_inner *ret_number)
{
	pthread_mutex_lock(&rings_lock);
	while (rings_told == rings)
		pthread_cond_wait(&rings_changed, &rings_lock);
	*ret_who = ringing;
	*ret_number = (struct kinds_inner){ .x = (int16_t)++rings_told, .y = -1 };
	pthread_mutex_unlock(&rings_lock);
	return 0;
}

int kinds_pid(void)
{
	return getpid();
}

void kinds_die(void)
{
	raise(SIGKILL);
}

int kinds_print(const char *format, ...)
{
	return format != NULL;
}
