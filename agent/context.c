#include "context.h"

#include "../base/discard.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void rh_contexts_init(struct rh_contexts *contexts)
{
	*contexts = (struct rh_contexts){ 0 };
	for (unsigned i = 0; i < RH_CONTEXTS_PER_PEER; i++)
		contexts->slots[i].directory = -1;
}

static void fini_one(struct rh_context *context)
{
	if (context->id != 0 && context->directory >= 0)
		rh_discard(context->directory);
	free(context->records);
	*context = (struct rh_context){ .directory = -1 };
}

int rh_contexts_find(const struct rh_contexts *contexts, uint32_t id)
{
	for (int i = 0; i < (int)RH_CONTEXTS_PER_PEER; i++) {
		if (id != 0 && contexts->slots[i].id == id)
			return i;
	}
	return RH_ENOENT;
}

/* The records without ATTACHMENT, which the next hop gets from its sender. */
static int copy_records(const struct rh_record_reader *records,
                        struct rh_context *context)
{
	struct rh_record_reader reader = *records;
	struct rh_record_writer writer;
	struct rh_record        record;
	int                     more;

	context->records = malloc(records->len);
	if (!context->records)
		return RH_ENOMEM;
	reader.at = 0;
	rh_record_begin(&writer, context->records, records->len);
	while ((more = rh_record_next(&reader, &record)) > 0) {
		if (record.tag != RH_TAG_ATTACHMENT)
			rh_record_put(&writer, record.tag, record.bytes, record.len);
	}
	context->len = (uint32_t)writer.used;
	return more;
}

/* By what the kernel knows of them: a file system behind a network or a process
 * might not answer. */
static int is_same_directory(int a, int b)
{
	struct statx left, right;
	int          flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;

	if (a < 0 || b < 0)
		return a < 0 && b < 0;
	if (statx(a, "", flags, STATX_INO, &left) < 0 ||
	    statx(b, "", flags, STATX_INO, &right) < 0)
		return 0;
	return left.stx_ino == right.stx_ino &&
	       left.stx_dev_major == right.stx_dev_major &&
	       left.stx_dev_minor == right.stx_dev_minor;
}

static int is_same(const struct rh_context *a, const struct rh_context *b)
{
	return a->len == b->len && memcmp(a->records, b->records, a->len) == 0 &&
	       is_same_directory(a->directory, b->directory);
}

int rh_contexts_put(struct rh_contexts *contexts, struct rh_frame *frame)
{
	struct rh_context fresh = { .directory = -1 };
	int               slot, r;

	if (rh_record_u32(&frame->records, RH_TAG_CONTEXT, &fresh.id) < 0 ||
	    fresh.id == 0 || frame->records.len > RH_CONTEXT_BYTES_MAX)
		return RH_EPROTO;
	if ((r = copy_records(&frame->records, &fresh)) < 0) {
		free(fresh.records);
		return r;
	}
	fresh.directory = rh_frame_take_fd(frame, 0);
	slot = rh_contexts_find(contexts, fresh.id);
	if (slot >= 0 && is_same(&contexts->slots[slot], &fresh)) {
		fini_one(&fresh);
		return RH_OK;
	}
	if (slot < 0) {
		slot = (int)contexts->next;
		contexts->next = (contexts->next + 1) % RH_CONTEXTS_PER_PEER;
	}
	fini_one(&contexts->slots[slot]);
	fresh.serial = ++contexts->serial; /* X1 */
	contexts->slots[slot] = fresh;
	return RH_OK;
}

void rh_contexts_fini(struct rh_contexts *contexts)
{
	for (unsigned i = 0; i < RH_CONTEXTS_PER_PEER; i++)
		fini_one(&contexts->slots[i]);
}
