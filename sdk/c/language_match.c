/* language_match - what a program was built for, beside what is there. */
#include "kept.h"
#include "language.h"
#include "listing.h"
#include "rhodes-language.h"
#include "section.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT    __attribute__((visibility("default")))
#define TEXTS_MAX (8u << 20)

/* Bytes of the function's name in a canonical text. */
static size_t name_length(const char *text)
{
	return strcspn(text, ",");
}

static const struct rh_function *find(const struct rh_interface *interface,
                                      const char *text)
{
	size_t len = name_length(text);

	for (uint32_t i = 0; i < interface->function_count; i++) {
		const struct rh_function *function = &interface->functions[i];

		if (strlen(function->name) == len && memcmp(function->name, text, len) == 0)
			return function;
	}
	return NULL;
}

/* The names of parameters do not count: "f, i32|a, i32" and "f, i32|b, i32" are one. */
static int is_same(const char *a, const char *b)
{
	for (;;) {
		if (*a == '|')
			a += strcspn(a, ",");
		if (*b == '|')
			b += strcspn(b, ",");
		if (*a != *b)
			return 0;
		if (!*a)
			return 1;
		a++;
		b++;
	}
}

/* Whether the text is met by that there, NULL for none; else the lines go to out. */
static int compare(const char *text, const char *there, FILE *out)
{
	if (there && is_same(text, there))
		return 1;
	fprintf(out, "- %s\n", text);
	if (there)
		fprintf(out, "+ %s\n", there);
	return 0;
}

static int match(const struct rh_interface *interface, const char *text, FILE *out)
{
	const struct rh_function *function = find(interface, text);
	char                      there[RH_TEXT_MAX];
	int                       is_there = function &&
	                                     rh_function_text(function, there, sizeof there) >= 0;

	return compare(text, is_there ? there : NULL, out);
}

/* The line of the function that the text is of; 0 without one. */
static int find_line(const char *lines, const char *text, char there[RH_TEXT_MAX])
{
	size_t name = name_length(text) + 1; /* with its comma */

	while (*lines) {
		size_t len = strcspn(lines, "\n");

		if (len < RH_TEXT_MAX && strncmp(lines, text, name) == 0) {
			memcpy(there, lines, len);
			there[len] = '\0';
			return 1;
		}
		lines += len;
		lines += *lines == '\n';
	}
	return 0;
}

static int match_lines(const char *lines, const char *text, FILE *out)
{
	char there[RH_TEXT_MAX];

	return compare(text, find_line(lines, text, there) ? there : NULL, out);
}

EXPORT int rh_language_match(const struct rh_interface *interface,
                             const char *const *texts, unsigned count)
{
	char    *lines = NULL;
	size_t   len = 0;
	FILE    *out = open_memstream(&lines, &len);
	unsigned missed = 0;

	if (!out)
		return rh_fail(RH_ENOMEM, "no memory to compare interfaces");
	for (unsigned i = 0; i < count; i++)
		missed += !match(interface, texts[i], out);
	if (fclose(out) != 0) {
		free(lines);
		return rh_fail(RH_ENOMEM, "no memory to compare interfaces");
	}
	rh_kept_put(RH_KEPT_DIFFERENCE, lines);
	return missed == 0 ? RH_OK : rh_fail(RH_EINTERFACE, "%u of %u functions differ from"
	               " the interface %s; the first: %.*s", missed, count, interface->name,
	               (int)strcspn(lines, "\n"), lines);
}

int rh_language_lines(const char *resource, char **ret_lines)
{
	struct rh_listing place;
	int             r = rh_listing_find(resource, &place);

	return r < 0 ? r : rh_section_read(place.path, RH_INTERFACE_SECTION, TEXTS_MAX,
	                                   ret_lines);
}

int rh_language_agree(const struct rh_interface *mine, const char *there,
                      const char *resource)
{
	char    *lines = NULL, text[RH_TEXT_MAX];
	size_t   len = 0;
	unsigned missed = 0;
	FILE    *out = open_memstream(&lines, &len);

	if (!out)
		return rh_fail(RH_ENOMEM, "no memory to compare interfaces");
	for (uint32_t i = 0; i < mine->function_count; i++) {
		if (rh_function_carried(&mine->functions[i], text, sizeof text) >= 0)
			missed += !match_lines(there, text, out);
	}
	if (fclose(out) != 0) {
		free(lines);
		return rh_fail(RH_ENOMEM, "no memory to compare interfaces");
	}
	rh_kept_put(RH_KEPT_DIFFERENCE, lines);
	return missed == 0 ? RH_OK
	       : rh_fail(RH_EINTERFACE, "%u functions of this program's %s are not those that"
	                 " %s offers: link or build it anew against today's interface",
	                 missed, mine->name, resource);
}

static void put_change(FILE *out, const struct rh_function *mine, const char *callee,
                       const char *text, const char *there)
{
	char line[RH_TEXT_MAX];
	int  is_there = find_line(there, text, line);

	fprintf(out, "%s of %s %s: - what this program was made for, + what is there now\n",
	        mine->name, callee, is_there ? "has changed" : "is no longer there");
	compare(text, is_there ? line : NULL, out);
	fputs("start the program again; if it was linked or built with the former interface,"
	      " build it anew", out);
}

int rh_language_changed(const struct rh_function *mine, const char *callee,
                        const char *there)
{
	char   *words = NULL, text[RH_TEXT_MAX];
	size_t  len = 0;
	FILE   *out;

	if (rh_function_text(mine, text, sizeof text) < 0)
		return RH_EFUNC;
	if (!(out = open_memstream(&words, &len)))
		return rh_fail(RH_ENOMEM, "no memory to compare interfaces");
	put_change(out, mine, callee, text, there);
	if (fclose(out) == 0)
		return rh_fail_long(RH_EFUNC, words);
	free(words);
	return rh_fail(RH_ENOMEM, "no memory to compare interfaces");
}

EXPORT const char *rh_language_difference(void)
{
	const char *lines = rh_kept_get(RH_KEPT_DIFFERENCE);

	return lines ? lines : "";
}
