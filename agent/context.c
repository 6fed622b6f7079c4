#include "context.h"

#include <stdlib.h>
#include <string.h>
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
		close(context->directory);
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

int rh_contexts_put(struct rh_contexts *contexts, struct rh_frame *frame)
{
	struct rh_context fresh = { .directory = -1 };
	int               slot, r;

	if (rh_record_u32(&frame->records, RH_TAG_CONTEXT, &fresh.id) < 0 ||
	    fresh.id == 0 || frame->records.len > RH_CONTEXT_BYTES_MAX)
		return RH_EPROTO;
	if (rh_contexts_find(contexts, fresh.id) >= 0)
		return RH_OK; /* another thread sent it too */
	if ((r = copy_records(&frame->records, &fresh)) < 0) {
		free(fresh.records);
		return r;
	}
	fresh.directory = rh_frame_take_fd(frame, 0);
	slot = (int)contexts->next;
	contexts->next = (contexts->next + 1) % RH_CONTEXTS_PER_PEER;
	fini_one(&contexts->slots[slot]);
	contexts->slots[slot] = fresh;
	return RH_OK;
}

void rh_contexts_fini(struct rh_contexts *contexts)
{
	for (unsigned i = 0; i < RH_CONTEXTS_PER_PEER; i++)
		fini_one(&contexts->slots[i]);
}
