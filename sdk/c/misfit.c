#include "misfit.h"

#include "language.h"
#include "rhodes.h"
#include "session.h"

#include "../../wire/frame.h"

#include <stdlib.h>
#include <string.h>

/* A byte for each function of the library; NULL without memory. */
static unsigned char *told_of(struct rh_stub_library *library)
{
	unsigned char **place = (unsigned char **)&library->state[2];
	unsigned char  *told = __atomic_load_n(place, __ATOMIC_ACQUIRE), *none = NULL;

	if (told || !(told = calloc(library->interface->function_count, sizeof *told)))
		return told;
	if (__atomic_compare_exchange_n(place, &none, told, 0, __ATOMIC_ACQ_REL,
	                                __ATOMIC_ACQUIRE))
		return told;
	free(told);
	return none; /* another thread's */
}

static void tell_agent(struct rh_stub_library *library, const struct rh_function *function)
{
	unsigned char          *told = told_of(library);
	unsigned char           bytes[RH_MISFIT_MAX + 64];
	struct rh_record_writer writer;

	if (!told || __atomic_exchange_n(&told[function - library->interface->functions], 1,
	                                 __ATOMIC_RELAXED))
		return;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_TEXT, rh_last_error());
	rh_session_tell(RH_FRAME_MISFIT, &writer);
}

int rh_misfit_tell(struct rh_stub_library *library, const struct rh_function *function,
                   const char *callee, const struct rh_reply *reply)
{
	char  *words = reply->len > 0 ? malloc(reply->len + 1u) : NULL;
	size_t sentence;

	if (!words)
		return RH_EFUNC;
	memcpy(words, reply->bytes, reply->len); /* who wrote it can change it */
	words[reply->len] = '\0';
	sentence = strlen(words);
	if (sentence < reply->len) {
		rh_language_changed(function, callee, words + sentence + 1);
		tell_agent(library, function);
	}
	free(words);
	return RH_EFUNC;
}
