#include "borrowed.h"

#include "fork.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A thread.  Lives until it has ended and no object has a text of it. */
struct owner {
	struct rh_borrowed *texts;
	unsigned            entries; /* in lists of objects                     */
	int                 has_ended;
};

/* Lists of objects, and what an owner counts, are under the lock of handles; bytes are
 * the owner's alone. */
struct rh_borrowed {
	struct rh_borrowed       *next;
	const struct rh_function *function;
	struct owner             *owner;
	size_t                    cap;
	unsigned char            *bytes;
};

static pthread_key_t  key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int            has_key;

/* The lock is held. */
static void let_go(struct owner *owner)
{
	if (owner->has_ended && owner->entries == 0)
		free(owner);
}

void rh_borrowed_free(struct rh_borrowed *list)
{
	rh_handles_hold();
	while (list) {
		struct rh_borrowed *next = list->next;

		list->owner->entries--;
		let_go(list->owner);
		free(list->bytes);
		free(list);
		list = next;
	}
	rh_handles_let_go();
}

static void end_thread(void *value)
{
	struct owner *owner = value;

	rh_borrowed_free(owner->texts);
	rh_handles_hold();
	owner->has_ended = 1;
	let_go(owner);
	rh_handles_let_go();
}

static void make_key(void)
{
	has_key = pthread_key_create(&key, end_thread) == 0;
}

static struct owner *own(void)
{
	struct owner *owner;

	pthread_once(&once, make_key);
	owner = has_key ? pthread_getspecific(key) : NULL;
	if (owner || !has_key || !(owner = calloc(1, sizeof *owner)))
		return owner;
	if (pthread_setspecific(key, owner) == 0)
		return owner;
	free(owner);
	return NULL;
}

static struct rh_borrowed *find(struct rh_borrowed *list, const struct rh_function *function,
                                const struct owner *owner)
{
	while (list && (list->function != function || list->owner != owner))
		list = list->next;
	return list;
}

/* Takes the oldest text of a thread that has ended out of the list, when there are enough
 * of them. */
static struct rh_borrowed *take_left(struct rh_borrowed **list,
                                     const struct rh_function *function)
{
	struct rh_borrowed **last = NULL, *text;
	unsigned             left = 0;

	for (struct rh_borrowed **at = list; *at; at = &(*at)->next) {
		if ((*at)->function != function || !(*at)->owner->has_ended)
			continue;
		last = at;
		left++;
	}
	if (left < RH_BORROWED_LEFT)
		return NULL;
	text = *last;
	*last = text->next;
	text->owner->entries--;
	let_go(text->owner);
	return text;
}

static struct rh_borrowed *add(struct rh_borrowed **list, const struct rh_function *function,
                               struct owner *owner)
{
	struct rh_borrowed *text = take_left(list, function);

	if (!text && !(text = calloc(1, sizeof *text)))
		return NULL;
	text->function = function;
	text->owner = owner;
	owner->entries++;
	text->next = *list;
	*list = text;
	return text;
}

/* This thread's place for what the function returns of the object. */
static struct rh_borrowed *place_of(struct rh_borrowed **list,
                                    const struct rh_function *function)
{
	struct owner       *owner = own();
	struct rh_borrowed *text;

	if (!owner)
		return NULL;
	if (!list && (text = find(owner->texts, function, owner)))
		return text;
	rh_handles_hold();
	text = list ? find(*list, function, owner) : NULL;
	if (!text)
		text = add(list ? list : &owner->texts, function, owner);
	rh_handles_let_go();
	return text;
}

void *rh_borrowed_keep(struct rh_borrowed **list, const struct rh_function *function,
                       const void *bytes, size_t len)
{
	struct rh_borrowed *text = place_of(list, function);

	if (!text)
		return NULL;
	if (len > text->cap || !text->bytes) { /* no bytes are some, too: NULL is none */
		unsigned char *larger = realloc(text->bytes, len ? len : 1);

		if (!larger)
			return NULL;
		text->bytes = larger;
		text->cap = len;
	}
	memcpy(text->bytes, bytes, len);
	return text->bytes;
}
