/* serve_context - what a call depends on of its caller's process. */
#include "serve.h"

#include "../../base/discard.h"

#include <errno.h>
#include <locale.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UMASK_NONE UINT32_MAX

static _Atomic uint64_t serials;

static void fini_one(struct rh_serve_context *context)
{
	if (context->id != 0 && context->directory >= 0)
		rh_discard(context->directory);
	free(context->texts);
	*context = (struct rh_serve_context){ .directory = -1 };
}

void rh_serve_context_fini(struct rh_serve_page *page)
{
	for (unsigned i = 0; i < RH_CONTEXTS_PER_PEER; i++)
		fini_one(&page->contexts[i]);
}

static struct rh_serve_context *find(struct rh_serve_page *page, uint32_t id)
{
	for (unsigned i = 0; i < RH_CONTEXTS_PER_PEER; i++) {
		if (page->contexts[i].id == id)
			return &page->contexts[i];
	}
	return NULL;
}

/* Keeps a frame of the companion; the oldest context makes room. */
void rh_serve_context_receive(void *user, struct rh_frame *frame)
{
	struct rh_serve_page    *page = user;
	struct rh_serve_context *context;
	uint32_t                 id;

	if (frame->type != RH_FRAME_CONTEXT ||
	    rh_record_u32(&frame->records, RH_TAG_CONTEXT, &id) < 0 || id == 0)
		return;
	context = find(page, id);
	if (!context) {
		page->last_context = (page->last_context + 1) % RH_CONTEXTS_PER_PEER;
		context = &page->contexts[page->last_context];
	}
	fini_one(context);
	context->texts = malloc(frame->records.len);
	if (!context->texts)
		return;
	memcpy(context->texts, frame->records.bytes, frame->records.len);
	context->texts_len = frame->records.len;
	context->umask = UMASK_NONE;
	rh_record_u32(&frame->records, RH_TAG_UMASK, &context->umask);
	context->directory = rh_frame_take_fd(frame, 0);
	context->serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1;
	context->id = id;
}

/* A caller sets the variables that the manifest names, and no others: some decide
 * which programs and libraries a process loads. */
static int is_allowed(const struct rh_server *server, const char *name)
{
	for (unsigned i = 0; i < server->env_count; i++) {
		if (strcmp(server->env[i], name) == 0)
			return 1;
	}
	return 0;
}

static void apply_env(const struct rh_server *server, char *text)
{
	char *equals = strchr(text, '=');

	if (equals)
		*equals = 0;
	if (!is_allowed(server, text))
		return;
	if (equals)
		setenv(text, equals + 1, 1);
	else
		unsetenv(text);
}

/* Locales are made once and kept: a process meets few. */
static void apply_locale(const char *name)
{
	static struct {
		char     name[64];
		locale_t locale;
	} known[8];
	static unsigned used;
	unsigned        i;

	for (i = 0; i < used && strcmp(known[i].name, name) != 0; i++)
		;
	if (i == used) {
		locale_t locale = newlocale(LC_CTYPE_MASK, name, (locale_t)0);

		if (!locale || used == sizeof known / sizeof known[0] ||
		    strlen(name) >= sizeof known[0].name)
			return;
		strcpy(known[used].name, name);
		known[used++].locale = locale;
	}
	uselocale(known[i].locale);
}

static void apply_texts(struct rh_server *server,
                        const struct rh_serve_context *context)
{
	struct rh_record_reader reader;
	struct rh_record        record;
	char                    text[4096];

	rh_record_read(&reader, context->texts, context->texts_len);
	pthread_mutex_lock(&server->env_lock); /* an agent that is new says them anew */
	while (rh_record_next(&reader, &record) > 0) {
		if (rh_record_copy_text(&record, text, sizeof text) < 0)
			continue;
		if (record.tag == RH_TAG_ENV)
			apply_env(server, text);
		else if (record.tag == RH_TAG_LOCALE && server->locale_on)
			apply_locale(text);
	}
	pthread_mutex_unlock(&server->env_lock);
}

/* What the thread alone has. */
static int apply_to_thread(const struct rh_serve_context *context)
{
	if (context->directory >= 0 && fchdir(context->directory) < 0)
		return errno == EACCES ? RH_EACCES : RH_EIO;
	if (context->umask != UMASK_NONE)
		umask(context->umask & 0777);
	return RH_OK;
}

static struct rh_serve_context *look_up(struct rh_serve_page *page, uint32_t id)
{
	struct rh_serve_context *context = find(page, id);

	if (context)
		return context;
	rh_stash_drain(&page->stash, page->companion, rh_serve_context_receive, page);
	return find(page, id);
}

/* The environment is the whole process's: another thread may have changed it since. */
int rh_serve_context_apply(struct rh_serve_thread *thread,
                           struct rh_serve_page *page, uint32_t id)
{
	struct rh_server        *server = thread->server;
	struct rh_serve_context *context;
	int is_applied = thread->context_page == page->serial && thread->context_id == id;
	int r = RH_OK;

	if (id == 0 || (is_applied && server->env_serial == thread->context_serial))
		return RH_OK;
	if (!(context = look_up(page, id)))
		return RH_EPROTO;
	if (!is_applied) {
		thread->context_page = 0; /* until all of it holds */
		r = apply_to_thread(context);
	}
	if (r < 0)
		return r;
	apply_texts(server, context);
	server->env_serial = context->serial;
	thread->context_page = page->serial;
	thread->context_id = id;
	thread->context_serial = context->serial;
	return RH_OK;
}

/* The raw system calls change the calling thread alone; glibc's would change the
 * whole process.  Leaving uid 0 as file system user also drops the capabilities
 * that override file permissions, and coming back restores them. */
int rh_serve_act_as(const struct rh_serve_who *who)
{
	if (who->uid == geteuid())
		return RH_OK;
	if (geteuid() != 0 || who->group_count == 0)
		return RH_EACCES;
	if (syscall(SYS_setgroups, who->group_count, who->groups) < 0)
		return RH_EACCES;
	syscall(SYS_setfsgid, who->gid);
	syscall(SYS_setfsuid, who->uid);
	return (uid_t)syscall(SYS_setfsuid, -1) == who->uid ? RH_OK : RH_EACCES;
}

void rh_serve_act_as_self(const struct rh_serve_who *who)
{
	if (who->uid == geteuid())
		return;
	syscall(SYS_setfsuid, geteuid());
	syscall(SYS_setfsgid, getegid());
	syscall(SYS_setgroups, 0, NULL);
}
