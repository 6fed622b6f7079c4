#include "kinds.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAME(type, name) type kinds_##name(type a) { return a; }
SAME(int8_t, i8)
SAME(uint8_t, u8)
SAME(int16_t, i16)
SAME(uint16_t, u16)
SAME(int32_t, i32)
SAME(uint32_t, u32)
SAME(int64_t, i64)
SAME(uint64_t, u64)
SAME(float, f32)
SAME(double, f64)

struct pot {
	int number;
};

static atomic_int pots;

const char *kinds_text(const char *text)
{
	static _Thread_local char *last;

	free(last);
	last = strdup(text);
	return last;
}

char *kinds_new_text(const char *text)
{
	char *made = malloc(2 * strlen(text) + 1);

	if (made)
		sprintf(made, "%s%s", text, text);
	return made;
}

int kinds_text_length(const char *text)
{
	return text ? (int)strlen(text) : -1;
}

uint64_t kinds_sum(const void *bytes, size_t length)
{
	const uint8_t *each = bytes;
	uint64_t       sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += each[i];
	return sum;
}

int kinds_fill(const char *seed, uint8_t *bytes, size_t room, size_t *used)
{
	*used = strlen(seed) < room ? strlen(seed) : room;
	memcpy(bytes, seed, *used);
	return (int)strlen(seed);
}

long kinds_read(uint8_t *bytes, size_t room)
{
	if (room == 0) {
		errno = EINVAL;
		return -1;
	}
	for (size_t i = 0; i < room - 1; i++)
		bytes[i] = (uint8_t)i;
	return (long)room - 1;
}

int64_t kinds_sum32(const int32_t *numbers, uint32_t count)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += numbers[i];
	return sum;
}

int kinds_raise(uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i]++;
	return (int)length;
}

void kinds_lower(uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i]--;
}

void kinds_take(uint8_t *bytes, uint32_t *room)
{
	*room = *room < 3 ? *room : 3;
	for (uint32_t i = 0; i < *room; i++)
		bytes[i] = (uint8_t)i;
}

const uint8_t *kinds_peek(size_t wanted, size_t *length)
{
	static const uint8_t bytes[] = { 3, 1, 4, 1, 5 };

	*length = wanted < sizeof bytes ? wanted : sizeof bytes;
	return bytes;
}

int kinds_turn(struct plain *plain)
{
	uint8_t first = plain->tag[0];

	plain->tag[0] = plain->tag[2];
	plain->tag[2] = first;
	plain->low++;
	plain->high++;
	plain->weight++;
	plain->at[0].x++;
	plain->at[1].y++;
	plain->either.i++;
	plain->big++;
	return plain->low;
}

struct plain kinds_plain(struct plain plain)
{
	kinds_turn(&plain);
	return plain;
}

int kinds_make(int seed, struct plain *plain)
{
	*plain = (struct plain){ .tag = { 1, 2, 3 }, .low = -16, .high = 2047, .weight = 0.5,
		.at = { { 1, 2 }, { 3, 4 } }, .either.i = -1, .big = UINT64_MAX };
	while (plain->low < seed && plain->low < 15)
		plain->low++;
	return seed;
}

int kinds_check(const struct plain *plain)
{
	return plain ? plain->low : -100;
}

void kinds_divide(int a, int b, int *quotient, int *rest)
{
	*quotient = a / b;
	*rest = a % b;
}

int kinds_count(int *counter)
{
	return (*counter)++;
}

void kinds_id(const uint8_t in[16], uint8_t out[16])
{
	for (int i = 0; i < 16; i++)
		out[i] = in[15 - i];
}

int kinds_fail(int number)
{
	errno = number;
	return -1;
}

struct pot *kinds_pot(int number)
{
	struct pot *pot = malloc(sizeof *pot);

	if (pot) {
		pot->number = number;
		pots++;
	}
	return pot;
}

int kinds_pot_get(struct pot *pot)
{
	return pot->number;
}

int kinds_pot_pour(struct pot *from, struct pot **made)
{
	*made = kinds_pot(from->number);
	return *made ? 0 : -1;
}

void kinds_pot_close(struct pot *pot)
{
	free(pot);
	pots--;
}

int kinds_pots(void)
{
	return pots;
}

static pthread_mutex_t rings_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  rings_changed = PTHREAD_COND_INITIALIZER;
static int64_t         ringing;
static int             rings, rings_told;

void kinds_ring(int64_t who, int count)
{
	pthread_mutex_lock(&rings_lock);
	while (rings_told < rings)
		pthread_cond_wait(&rings_changed, &rings_lock);
	ringing = who;
	rings += count;
	pthread_cond_broadcast(&rings_changed);
	pthread_mutex_unlock(&rings_lock);
}

int kinds_rung(int64_t *who, struct point *number)
{
	pthread_mutex_lock(&rings_lock);
	while (rings_told == rings)
		pthread_cond_wait(&rings_changed, &rings_lock);
	*who = ringing;
	*number = (struct point){ .x = (int16_t)++rings_told, .y = -1 };
	pthread_cond_broadcast(&rings_changed);
	pthread_mutex_unlock(&rings_lock);
	return 0;
}

int kinds_die(void)
{
	_exit(3);
}
