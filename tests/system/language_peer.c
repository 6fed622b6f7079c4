/* language_peer - a caller and a server by rhodes-language.h, as the runtime of a language
 * would be one; languages_core_test.py drives it.
 *
 *   language_peer serve          serves the interface libtextstat in part
 *   language_peer call NAME      does what the lines of standard input say */
#include "../../examples/languages/textstat.h"
#include "../../sdk/c/rhodes-language.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_STACK 200000u

/* --- serving ------------------------------------------------------------------------ */

static char *text_of(void *const *args, unsigned index)
{
	return *(char **)args[index];
}

/* Raises what the text asks for. */
static int parse(const char *text)
{
	char  message[200];
	char *stack = NULL;
	int   r;

	snprintf(message, sizeof message, "no number: %s", text);
	if (strcmp(text, "none") == 0)
		return rh_language_raise(&(struct rh_exception){ .language = "c" });
	if (strcmp(text, "code") == 0)
		return RH_ENOSYS;
	if (strcmp(text, "long") == 0 && (stack = malloc(LONG_STACK))) {
		/* Of two bytes each, so that a cut in the middle of one would show. */
		for (unsigned i = 0; i < LONG_STACK - 2; i += 2)
			memcpy(stack + i, "\xc3\xa4", 2);
		stack[LONG_STACK - 2] = '\0';
	}
	r = rh_language_raise(&(struct rh_exception){
		.language = "c", .type = "ParseError", .message = message,
		.stack = stack ? stack : "at parse\nat main" });
	free(stack);
	return r;
}

static int upper(const char *text, void *ret)
{
	size_t len = strlen(text);
	char  *made = rh_language_memory(len + 1);

	if (!made)
		return RH_ENOMEM;
	for (size_t i = 0; i <= len; i++)
		made[i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 32) : text[i];
	*(char **)ret = made;
	return RH_OK;
}

static int document(const char *name, void *const *args, void *ret)
{
	if (strcmp(name, "ts_doc_open") == 0) {
		*(char **)ret = strdup(text_of(args, 0) ? text_of(args, 0) : "untitled");
		return *(char **)ret ? RH_OK : RH_ENOMEM;
	}
	if (strcmp(name, "ts_doc_title") == 0) {
		*(char **)ret = text_of(args, 0);
		return RH_OK;
	}
	if (strcmp(name, "ts_doc_close") != 0)
		return RH_ENOSYS;
	printf("closed %s\n", text_of(args, 0));
	fflush(stdout);
	free(text_of(args, 0));
	return RH_OK;
}

static int invoke(void *user, unsigned function, void *const *args, void *ret)
{
	const struct rh_interface *interface = user;
	const char                *name = interface->functions[function].name;

	if (strcmp(name, "ts_add") == 0) {
		*(int32_t *)ret = *(int32_t *)args[0] + *(int32_t *)args[1];
		return RH_OK;
	}
	if (strcmp(name, "ts_parse") == 0)
		return parse(text_of(args, 0));
	if (strcmp(name, "ts_upper") == 0)
		return upper(text_of(args, 0), ret);
	if (strncmp(name, "ts_doc_", 7) == 0)
		return document(name, args, ret);
	return RH_ENOSYS;
}

static int serve(void)
{
	const struct rh_interface *interface = NULL;
	int                        r = rh_language_own(&interface);

	if (r == RH_OK)
		r = rh_language_serve(interface, invoke, (void *)(uintptr_t)interface, 4);
	if (r < 0)
		fprintf(stderr, "%s\n", rh_last_error());
	return r < 0;
}

/* --- calling ------------------------------------------------------------------------ */

static void tell_failure(int r)
{
	const struct rh_exception *exception = rh_last_exception();

	printf("%d %s\n", r, rh_last_error());
	if (exception)
		printf("%s|%s|%s|%zu\n", exception->language, exception->type,
		       exception->message, strlen(exception->stack));
	else
		printf("-\n");
}

static int call(struct rh_stub_library *library, const char *function, void *const *args,
                void *ret)
{
	int index = rh_language_find(library->interface, function);

	return index < 0 ? index : rh_language_call(library, (unsigned)index, args, ret);
}

static void call_text(struct rh_stub_library *library, const char *function, char *text)
{
	void *args[] = { &text };
	char *ret = NULL;
	int   r;

	errno = 4711; /* must stay as it is */
	r = call(library, function, args, &ret);
	if (errno != 4711)
		printf("errno is %d\n", errno);
	if (r < 0)
		tell_failure(r);
	else
		printf("0 %s\n", ret);
}

/* "open TITLE": makes an object, asks its title, and leaves it. */
static void open_document(struct rh_stub_library *library, char *title)
{
	void *args[] = { &title };
	void *document = NULL;
	int   r = call(library, "ts_doc_open", args, &document);

	if (r < 0)
		tell_failure(r);
	else
		call_text(library, "ts_doc_title", document);
}

static void match(const struct rh_stub_library *library, const char *text)
{
	int r = rh_language_match(library->interface, &text, 1);

	printf("%d\n%s.\n", r, r < 0 ? rh_language_difference() : "");
}

static void obey(struct rh_stub_library *library, char *line)
{
	char *rest = line + strcspn(line, " ");

	if (*rest)
		*rest++ = '\0';
	if (strcmp(line, "open") == 0)
		open_document(library, rest);
	else if (strcmp(line, "match") == 0)
		match(library, rest);
	else
		call_text(library, line, rest);
	fflush(stdout);
}

static int call_all(const char *name)
{
	struct rh_stub_library *library = NULL, *again = NULL;
	char                    line[1024];

	if (rh_language_open(name, &library) < 0) {
		printf("%d %s\n", rh_last_code(), rh_last_error());
		return 1;
	}
	if (rh_language_open(name, &again) < 0 || again != library)
		return 1;
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		obey(library, line);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		return serve();
	return argc == 3 && strcmp(argv[1], "call") == 0 ? call_all(argv[2]) : 2;
}
