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

/* The latest context of the process. */
static struct {
	pthread_mutex_t lock;
	uint32_t        id;
	int             directory;   /* -1: not needed yet      */
	dev_t           dev;
	ino_t           ino;
	uint32_t        umask;       /* UMASK_NONE: not asked   */
	size_t          texts_len;
	unsigned char   texts[RECORDS_MAX]; /* ENV and LOCALE records */
} current = {
	.lock = PTHREAD_MUTEX_INITIALIZER, .directory = -1, .umask = UMASK_NONE,
};

static int uses_path(const struct rh_function *function)
{
	for (unsigned i = 0; i < function->param_count; i++) {
		if (function->params[i].kind == RH_KIND_PATH)
			return 1;
	}
	return (function->flags & RH_FUNCTION_UMASK) != 0;
}

/* 1 when the directory is another one than before. */
static int update_directory(void)
{
	struct stat st;
	int         fd;

	if (stat(".", &st) < 0 ||
	    (current.directory >= 0 && st.st_dev == current.dev &&
	     st.st_ino == current.ino))
		return 0;
	fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (current.directory >= 0)
		close(current.directory);
	current.directory = fd;
	current.dev = st.st_dev;
	current.ino = st.st_ino;
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

static int update_umask(void)
{
	uint32_t mask = read_umask();

	if (mask == current.umask)
		return 0;
	current.umask = mask;
	return 1;
}

static int update_texts(void)
{
	unsigned char           bytes[RECORDS_MAX];
	char                    text[4096];
	struct rh_record_writer writer;
	int                     len;

	rh_record_begin(&writer, bytes, sizeof bytes);
	for (unsigned i = 0; i < rh_session.env_count; i++) {
		const char *value = getenv(rh_session.env[i]);
		int n = snprintf(text, sizeof text, "%s%s%s", rh_session.env[i],
		                 value ? "=" : "", value ? value : "");

		if (n > 0 && n < (int)sizeof text)
			rh_record_put_text(&writer, RH_TAG_ENV, text);
	}
	if (rh_session.locale_on)
		rh_record_put_text(&writer, RH_TAG_LOCALE, setlocale(LC_CTYPE, NULL));
	len = rh_record_end(&writer);
	if (len < 0 || ((size_t)len == current.texts_len &&
	                memcmp(bytes, current.texts, (size_t)len) == 0))
		return 0;
	memcpy(current.texts, bytes, (size_t)len);
	current.texts_len = (size_t)len;
	return 1;
}

static int send_current(struct rh_thread_page *page)
{
	unsigned char           bytes[RECORDS_MAX + 64];
	struct rh_record_writer writer;
	int                     r;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_CONTEXT, current.id);
	if (current.umask != UMASK_NONE)
		rh_record_put_u32(&writer, RH_TAG_UMASK, current.umask);
	memcpy(bytes + writer.used, current.texts, current.texts_len);
	writer.used += current.texts_len;
	r = rh_socket_send(page->companion, RH_FRAME_CONTEXT, 0, &writer,
	                   &current.directory, current.directory >= 0);
	if (r == RH_OK)
		page->context = current.id;
	return r;
}

int rh_context_send(struct rh_thread_page *page, const struct rh_function *function,
                    uint32_t *ret_id)
{
	int has_path = uses_path(function);
	int has_texts = rh_session.env_count > 0 || rh_session.locale_on;
	int changed = 0, r = RH_OK;

	*ret_id = 0;
	if (!has_path && !has_texts)
		return RH_OK;
	pthread_mutex_lock(&current.lock);
	if (has_path)
		changed |= update_directory();
	if (function->flags & RH_FUNCTION_UMASK)
		changed |= update_umask();
	if (has_texts)
		changed |= update_texts();
	if (changed || current.id == 0)
		current.id++;
	if (page->context != current.id)
		r = send_current(page);
	*ret_id = current.id;
	pthread_mutex_unlock(&current.lock);
	return r;
}

void rh_context_forget(void)
{
	pthread_mutex_init(&current.lock, NULL);
}
