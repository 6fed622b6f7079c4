#include "context.h"

#include "fork.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDS_MAX  8192u
#define UMASK_NONE   UINT32_MAX

/* The latest context for one callee. */
struct rh_context {
	uint32_t      id;
	int           directory;   /* -1: not needed yet      */
	dev_t         dev;
	ino_t         ino;
	uint32_t      umask;       /* UMASK_NONE: not asked   */
	size_t        texts_len;
	unsigned char texts[RECORDS_MAX]; /* ENV and LOCALE records */
};

/* Of all of them, and of the names of variables of all callees. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct rh_context *context_of(struct rh_callee *callee)
{
	struct rh_context *context = callee->context;

	if (!context && (context = calloc(1, sizeof *context))) {
		context->directory = -1;
		context->umask = UMASK_NONE;
		callee->context = context;
	}
	return context;
}

static int uses_path(const struct rh_function *function)
{
	for (unsigned i = 0; i < function->param_count; i++) {
		if (function->params[i].kind == RH_KIND_PATH)
			return 1;
	}
	return (function->flags & RH_FUNCTION_UMASK) != 0;
}

/* 1 when the directory is another one than before. */
static int update_directory(struct rh_context *context)
{
	struct stat st;
	int         fd;

	if (stat(".", &st) < 0 ||
	    (context->directory >= 0 && st.st_dev == context->dev &&
	     st.st_ino == context->ino))
		return 0;
	fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (context->directory >= 0)
		close(context->directory);
	context->directory = fd;
	context->dev = st.st_dev;
	context->ino = st.st_ino;
	return 1;
}

/* umask(2) cannot be read without setting it, which other threads would see. */
static uint32_t read_umask(void)
{
	FILE    *status = fopen("/proc/self/status", "re");
	char     line[128];
	uint32_t mask = 022;

	while (status && fgets(line, sizeof line, status)) {
		if (sscanf(line, "Umask: %o", &mask) == 1)
			break;
	}
	if (status)
		fclose(status);
	return mask;
}

static int update_umask(struct rh_context *context)
{
	uint32_t mask = read_umask();

	if (mask == context->umask)
		return 0;
	context->umask = mask;
	return 1;
}

static int update_texts(struct rh_context *context, const struct rh_callee *callee)
{
	unsigned char           bytes[RECORDS_MAX];
	char                    text[4096];
	struct rh_record_writer writer;
	int                     len;

	rh_record_begin(&writer, bytes, sizeof bytes);
	for (unsigned i = 0; i < callee->env_count; i++) {
		const char *value = getenv(callee->env[i]);
		int n = snprintf(text, sizeof text, "%s%s%s", callee->env[i],
		                 value ? "=" : "", value ? value : "");

		if (n > 0 && n < (int)sizeof text)
			rh_record_put_text(&writer, RH_TAG_ENV, text);
	}
	if (callee->locale_on)
		rh_record_put_text(&writer, RH_TAG_LOCALE, setlocale(LC_CTYPE, NULL));
	len = rh_record_end(&writer);
	if (len < 0 || ((size_t)len == context->texts_len &&
	                memcmp(bytes, context->texts, (size_t)len) == 0))
		return 0;
	memcpy(context->texts, bytes, (size_t)len);
	context->texts_len = (size_t)len;
	return 1;
}

static int send_context(struct rh_thread_page *page, const struct rh_context *context)
{
	unsigned char           bytes[RECORDS_MAX + 64];
	struct rh_record_writer writer;
	int                     r;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_CONTEXT, context->id);
	if (context->umask != UMASK_NONE)
		rh_record_put_u32(&writer, RH_TAG_UMASK, context->umask);
	memcpy(bytes + writer.used, context->texts, context->texts_len);
	writer.used += context->texts_len;
	r = rh_socket_send(page->companion, RH_FRAME_CONTEXT, 0, &writer,
	                   &context->directory, context->directory >= 0);
	if (r == RH_OK)
		page->context = context->id;
	return r;
}

static int refresh(struct rh_thread_page *page, const struct rh_function *function,
                   struct rh_context *context, int has_path, int has_texts)
{
	int changed = 0;

	if (has_path)
		changed |= update_directory(context);
	if (function->flags & RH_FUNCTION_UMASK)
		changed |= update_umask(context);
	if (has_texts)
		changed |= update_texts(context, page->callee);
	if (changed || context->id == 0)
		context->id++;
	return page->context != context->id ? send_context(page, context) : RH_OK;
}

int rh_context_send(struct rh_thread_page *page, const struct rh_function *function,
                    uint32_t *ret_id)
{
	struct rh_callee  *callee = page->callee;
	int                has_path = uses_path(function);
	int                has_texts = callee->env_count > 0 || callee->locale_on;
	struct rh_context *context;
	int                r;

	*ret_id = 0;
	if (!has_path && !has_texts)
		return RH_OK;
	pthread_mutex_lock(&lock);
	context = context_of(callee);
	r = context ? refresh(page, function, context, has_path, has_texts)
	            : rh_fail(RH_ENOMEM, "no memory for a context");
	if (r == RH_OK)
		*ret_id = context->id;
	pthread_mutex_unlock(&lock);
	return r;
}

void rh_context_learn(struct rh_callee *callee, const struct rh_frame *frame)
{
	uint32_t locale_on;

	pthread_mutex_lock(&lock);
	callee->env_count = rh_frame_env(frame, callee->env, &locale_on);
	callee->locale_on = locale_on;
	pthread_mutex_unlock(&lock);
}

void rh_contexts_hold(void)
{
	pthread_mutex_lock(&lock);
}

void rh_contexts_let_go(void)
{
	pthread_mutex_unlock(&lock);
}
