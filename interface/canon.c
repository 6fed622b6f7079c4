#include "canon.h"

#include "../model/error.h"

#include <string.h>

/* Takes the word up to the next ", "; NULL at the end. */
static char *next_word(char **rest)
{
	char *word = *rest;

	if (!word)
		return NULL;
	char *end = strstr(word, ", ");
	*rest = end ? end + 2 : NULL;
	if (end)
		*end = '\0';
	return word;
}

int rh_canon_split(char *line, struct rh_canon_line *ret)
{
	struct rh_canon_line made = { .function = next_word(&line) };
	char                *word;

	if (!made.function[0] || !line)
		return RH_EINVAL;
	while ((word = next_word(&line)) && line) {
		char *bar = strrchr(word, '|');

		if (!bar || bar == word || made.count == RH_PARAMS_MAX)
			return RH_EINVAL;
		*bar = '\0';
		made.types[made.count] = word;
		made.names[made.count++] = bar + 1;
	}
	if (!word || !word[0] || strchr(word, '|'))
		return RH_EINVAL;
	made.ret = word;
	*ret = made;
	return RH_OK;
}
