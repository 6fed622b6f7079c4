#include "codetext.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sorted by bytes. */
static struct rh_code_text **texts;
static size_t                text_count;
static size_t                text_cap;
static size_t                text_names; /* that were given: X1             */
static size_t                text_left;  /* by the last sweep               */

#define FEW 64u /* are not worth a look */

static size_t place(const char *bytes, int *ret_found)
{
	size_t low = 0, high = text_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(texts[middle]->bytes, bytes) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = low < text_count && strcmp(texts[low]->bytes, bytes) == 0;
	return low;
}

static int grow(void)
{
	size_t                cap = text_cap ? text_cap * 2 : 16;
	struct rh_code_text **more;

	if (text_count < text_cap)
		return 1;
	more = realloc(texts, cap * sizeof *more);
	if (!more)
		return 0;
	texts = more;
	text_cap = cap;
	return 1;
}

/* Takes both when it makes one. */
static struct rh_code_text *insert(size_t at, json_t *code, char *bytes)
{
	struct rh_code_text *text = grow() ? calloc(1, sizeof *text) : NULL;

	if (!text)
		return NULL;
	snprintf(text->use, sizeof text->use, "c%zu", text_names++); /* X1 */
	text->bytes = bytes;
	text->code = code;
	memmove(&texts[at + 1], &texts[at], (text_count - at) * sizeof texts[0]);
	texts[at] = text;
	text_count++;
	return text;
}

const struct rh_code_text *rh_code_text_of(const json_t *code)
{
	static const char *const   elsewhere[] = { "edge", "resource", "rollout", "revision",
	                                          "rollback" };
	json_t                    *own = json_copy((json_t *)(uintptr_t)code);
	const struct rh_code_text *text = NULL;
	int                        found;

	for (size_t i = 0; own && i < sizeof elsewhere / sizeof elsewhere[0]; i++)
		json_object_del(own, elsewhere[i]);
	char *bytes = own ? json_dumps(own, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (bytes) {
		size_t at = place(bytes, &found);

		text = found ? texts[at] : insert(at, own, bytes);
	}
	if (!text || text->bytes != bytes) {
		free(bytes);
		json_decref(own);
	}
	return text;
}

/* ---- when nobody names them ---- */

size_t rh_code_texts_count(void)
{
	return text_count;
}

int rh_code_texts_are_many(void)
{
	return text_count >= FEW && text_count >= 2 * text_left;
}

void rh_code_text_name(const struct rh_code_text *text)
{
	if (text)
		((struct rh_code_text *)(uintptr_t)text)->is_named = 1;
}

void rh_code_texts_sweep(void)
{
	size_t left = 0;

	for (size_t i = 0; i < text_count; i++) {
		struct rh_code_text *text = texts[i];

		if (text->is_named) {
			text->is_named = 0;
			texts[left++] = text;
			continue;
		}
		json_decref(text->code);
		free(text->bytes);
		free(text);
	}
	text_count = text_left = left;
}
