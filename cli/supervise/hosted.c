#include "hosted.h"

#include <stdio.h>
#include <string.h>

static const char *word_end(const char *at, const char *end)
{
	const char *blank = memchr(at, ' ', (size_t)(end - at));

	return blank ? blank : end;
}

bool rh_hosted_read(struct rh_hosted *ret_hosted, const char *line, size_t len)
{
	struct rh_hosted hosted = { .state = RH_HOSTED_CURRENT };
	static const char word[] = "library ";
	const char       *at = line + sizeof word - 1, *end = line + len, *next;

	if (len < sizeof word || memcmp(line, word, sizeof word - 1) != 0)
		return false;
	next = word_end(at, end);
	if (next == end || (size_t)(next - at) >= sizeof hosted.loaded)
		return false;
	memcpy(hosted.loaded, at, (size_t)(next - at));
	memcpy(hosted.seen, hosted.loaded, sizeof hosted.seen);
	at = next + 1;
	next = word_end(at, end);
	hosted.keeps = next - at == 4 && memcmp(at, "keep", 4) == 0;
	if (!hosted.keeps && !(next - at == 3 && memcmp(at, "new", 3) == 0))
		return false;
	at = next + 1;
	if (next == end || at >= end || at[0] != '/' ||
	    (size_t)(end - at) >= sizeof hosted.path)
		return false;
	memcpy(hosted.path, at, (size_t)(end - at));
	*ret_hosted = hosted;
	return true;
}

bool rh_hosted_look(struct rh_hosted *hosted)
{
	char now[RH_IDENTITY_MAX];

	if (hosted->state == RH_HOSTED_UNKNOWN || rh_identity(hosted->path, now) < 0 ||
	    strcmp(now, hosted->seen) == 0)
		return false;
	memcpy(hosted->seen, now, sizeof now);
	hosted->state = strcmp(now, hosted->loaded) == 0 ? RH_HOSTED_CURRENT
	                                                 : RH_HOSTED_STALE;
	return true;
}
