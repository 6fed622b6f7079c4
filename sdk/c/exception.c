#include "exception.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define TEXTS  4

/* Of one thread: what its function raised, and what its call got. */
struct exceptions {
	unsigned char      *raised;
	uint32_t            raised_len;
	char               *taken;
	struct rh_exception seen;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t  key;
static int            has_key;

static void forget(void *value)
{
	struct exceptions *mine = value;

	free(mine->raised);
	free(mine->taken);
	free(mine);
}

static void make_key(void)
{
	has_key = pthread_key_create(&key, forget) == 0;
}

/* Those of this thread; NULL when there are none and none are made. */
static struct exceptions *own(int is_made)
{
	struct exceptions *mine;

	pthread_once(&once, make_key);
	mine = has_key ? pthread_getspecific(key) : NULL;
	if (mine || !is_made || !has_key)
		return mine;
	mine = calloc(1, sizeof *mine);
	if (mine && pthread_setspecific(key, mine) != 0) {
		free(mine);
		return NULL;
	}
	return mine;
}

/* The longest beginning of a UTF-8 text within limit that ends with a character. */
static size_t cut(const char *text, size_t limit)
{
	size_t len = strnlen(text, limit);

	if (len < limit || text[len] == '\0')
		return len;
	while (len > 0 && ((unsigned char)text[len] & 0xc0u) == 0x80u)
		len--;
	return len;
}

EXPORT int rh_language_raise(const struct rh_exception *exception)
{
	const char *const  texts[TEXTS] = { exception->language, exception->type,
	                                    exception->message, exception->stack };
	struct exceptions *mine = own(1);
	size_t             lens[TEXTS], all = TEXTS, at = 0;

	if (!mine)
		return RH_ERAISED;
	for (unsigned i = 0; i < TEXTS; i++) {
		lens[i] = texts[i] ? cut(texts[i], RH_EXCEPTION_MAX - all) : 0;
		all += lens[i];
	}
	free(mine->raised);
	mine->raised_len = 0;
	mine->raised = malloc(all);
	if (!mine->raised)
		return RH_ERAISED;
	for (unsigned i = 0; i < TEXTS; i++) {
		if (lens[i] > 0)
			memcpy(mine->raised + at, texts[i], lens[i]);
		at += lens[i];
		mine->raised[at++] = '\0';
	}
	mine->raised_len = (uint32_t)all;
	return RH_ERAISED;
}

const unsigned char *rh_exception_packed(uint32_t *ret_len)
{
	struct exceptions *mine = own(0);

	*ret_len = mine ? mine->raised_len : 0;
	return mine ? mine->raised : NULL;
}

void rh_exception_clear(void)
{
	struct exceptions *mine = own(0);

	if (!mine)
		return;
	free(mine->raised);
	mine->raised = NULL;
	mine->raised_len = 0;
}

int rh_exception_take(const unsigned char *bytes, uint32_t len,
                      const struct rh_exception **ret_exception)
{
	struct exceptions *mine = own(1);
	const char        *texts[TEXTS];
	const char        *at, *end;

	if (!mine)
		return RH_ENOMEM;
	free(mine->taken);
	mine->taken = len > 0 && len <= RH_EXCEPTION_MAX ? malloc(len) : NULL;
	if (!mine->taken)
		return RH_EPROTO;
	memcpy(mine->taken, bytes, len);
	at = mine->taken;
	end = at + len;
	for (unsigned i = 0; i < TEXTS; i++) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));

		if (!nul) {
			free(mine->taken);
			mine->taken = NULL;
			return RH_EPROTO;
		}
		texts[i] = at;
		at = nul + 1;
	}
	mine->seen = (struct rh_exception){ texts[0], texts[1], texts[2], texts[3] };
	*ret_exception = &mine->seen;
	return RH_OK;
}

EXPORT const struct rh_exception *rh_last_exception(void)
{
	struct exceptions *mine = own(0);

	return rh_last_code() == RH_ERAISED && mine && mine->taken ? &mine->seen : NULL;
}
