/* serve_events - what a program tells its listeners.
 *
 * An event of an interface is a function that waits for the next one and returns it.
 * For each a thread calls it, again and again, and sends what it returned.  Who is told
 * more than its listeners take is simply not asked for the next: its own queue is the
 * back-pressure. */
#include "exception.h"
#include "rhodes-language.h"
#include "serve.h"

#include "../../base/clock.h"
#include "../../base/log.h"
#include "../../model/error.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPORT   __attribute__((visibility("default")))
#define RETRY_MS 50

/* One event and the memory that its function fills. */
struct source {
	const struct rh_interface *interface;
	const struct rh_function  *function;
	rh_language_invoke        *invoke;
	void                      *user;
	unsigned                   index;
	void                      *ret;
	void                      *args[RH_PARAMS_MAX];     /* to pointees         */
	void                      *pointees[RH_PARAMS_MAX]; /* what the C side gets */
	alignas(max_align_t) unsigned char memory[];
};

/* What an event lends would be gone when it arrives. */
static int is_sent(const struct rh_param *param)
{
	switch (param->kind) {
	case RH_KIND_VOID:
	case RH_KIND_INT:
	case RH_KIND_UINT:
	case RH_KIND_FLOAT:
	case RH_KIND_STRUCT: return 1;
	case RH_KIND_STRING:
	case RH_KIND_PATH:   return (param->flags & RH_PARAM_TRANSFER) != 0;
	default:             return 0;
	}
}

static int check(const struct rh_function *function)
{
	int all = is_sent(&function->ret);

	for (unsigned i = 0; i < function->param_count; i++)
		all &= is_sent(&function->params[i]);
	return all ? RH_OK : rh_fail(RH_ENOCARRY, "%s is no event of numbers, structs and"
	                             " texts that are handed over", function->name);
}

/* In whole units of the largest alignment; a text is a pointer. */
static size_t rounded(const struct rh_param *param)
{
	size_t size = param->size > sizeof(void *) ? param->size : sizeof(void *);

	return (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
}

/* NULL when out of memory. */
static struct source *source_of(const struct rh_interface *interface, unsigned index)
{
	const struct rh_function *function = &interface->functions[index];
	struct source            *source;
	size_t                    bytes = rounded(&function->ret);

	for (unsigned i = 0; i < function->param_count; i++)
		bytes += rounded(&function->params[i]);
	if (!(source = calloc(1, sizeof *source + bytes)))
		return NULL;
	source->interface = interface;
	source->function = function;
	source->index = index;
	source->ret = source->memory;
	bytes = rounded(&function->ret);
	for (unsigned i = 0; i < function->param_count; i++) {
		source->pointees[i] = source->memory + bytes;
		source->args[i] = &source->pointees[i];
		bytes += rounded(&function->params[i]);
	}
	return source;
}

/* Until it is delivered, or may have been: twice would be worse than lost. */
static int deliver(struct source *source)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * (long)RH_NS_PER_MS };

	for (int is_told = 0;; is_told = 1) {
		int r = rh_stub_emit(source->interface, source->index, source->args,
		                     source->ret, 0);

		if (r == RH_OK || rh_last_ran())
			return r;
		if (!is_told)
			rh_info("event %s waits: %s", source->function->name,
			        rh_last_error());
		/* Nobody listens yet; that is no time that anybody counts. */
		nanosleep(&pause, NULL);
	}
}

/* Why there is no next one. */
static void tell_end(const struct source *source, int r)
{
	const char *name = source->function->name;
	uint32_t    len = 0;
	const char *texts[4] = { (const char *)rh_exception_packed(&len) };

	if (r == RH_ECANCELED)
		return; /* it says so itself */
	if (r != RH_ERAISED || !texts[0]) {
		rh_warn("no more events %s: %s", name, rh_error_text(r));
	} else {
		for (int i = 1; i < 4; i++)
			texts[i] = texts[i - 1] + strlen(texts[i - 1]) + 1;
		rh_warn("no more events %s: it raised %s: %s %s", name, texts[1], texts[2],
		        texts[3]);
	}
}

static void *run(void *user)
{
	struct source *source = user;
	int            r;

	for (;;) {
		rh_exception_clear();
		r = source->invoke(source->user, source->index, source->args, source->ret);
		if (r == RH_EAGAIN)
			continue;
		if (r < 0)
			break;
		if (deliver(source) < 0)
			rh_warn("event %s may be lost: %s", source->function->name,
			        rh_last_error());
	}
	tell_end(source, r);
	free(source);
	return NULL;
}

static int start(const struct rh_interface *interface, unsigned index,
                 rh_language_invoke *invoke, void *user)
{
	struct source *source = source_of(interface, index);
	pthread_t      thread;

	if (!source)
		return rh_fail(RH_ENOMEM, "no memory for events");
	source->invoke = invoke;
	source->user = user;
	if (rh_serve_thread_create(&thread, run, source) < 0) {
		free(source);
		return rh_fail(RH_ENOMEM, "no thread for events");
	}
	pthread_detach(thread);
	return RH_OK;
}

EXPORT int rh_language_events(const struct rh_interface *interface,
                              rh_language_invoke *invoke, void *user)
{
	const struct rh_function *functions = interface->functions;
	int                       r = RH_OK;

	for (unsigned i = 0; i < interface->function_count && r == RH_OK; i++)
		if (functions[i].flags & RH_FUNCTION_EVENT)
			r = check(&functions[i]);
	for (unsigned i = 0; i < interface->function_count && r == RH_OK; i++)
		if (functions[i].flags & RH_FUNCTION_EVENT)
			r = start(interface, i, invoke, user);
	return r;
}
