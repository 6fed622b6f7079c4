#include "use.h"

#include "agent.h"
#include "edge.h"
#include "process.h"

#include <stdlib.h>
#include <string.h>

int rh_use_find(struct rh_process *process, struct rh_edge *edge,
                struct rh_use **ret_use)
{
	struct rh_use *use;

	RH_LIST_EACH(node, &process->uses) {
		use = RH_CONTAINER(node, struct rh_use, in_process);
		if (use->edge == edge) {
			*ret_use = use;
			return RH_OK;
		}
	}
	use = calloc(1, sizeof *use);
	if (!use)
		return RH_ENOMEM;
	use->process = process;
	use->edge = edge;
	rh_contexts_init(&use->contexts);
	rh_list_add(&process->uses, &use->in_process);
	rh_list_add(&edge->uses, &use->in_edge);
	*ret_use = use;
	return RH_OK;
}

int rh_use_take_lane(struct rh_use *use)
{
	for (unsigned i = 0; i < RH_PAGES_PER_PEER / 64; i++) {
		int bit = __builtin_ffsll((long long)~use->lanes[i]);

		if (bit == 0)
			continue;
		use->lanes[i] |= 1ull << (bit - 1);
		return (int)i * 64 + bit - 1;
	}
	return RH_ENOSPC;
}

void rh_use_give_lane(struct rh_use *use, unsigned lane)
{
	use->lanes[lane / 64] &= ~(1ull << (lane % 64));
}

static int send_peer(struct rh_use *use)
{
	const struct rh_process *process = use->process;
	unsigned char            bytes[64 + 12 * (RH_PEER_GROUPS_MAX + 1)];
	struct rh_record_writer  writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, process->attachment);
	rh_record_put_u32(&writer, RH_TAG_UID, process->uid);
	for (unsigned i = 0; i < process->gid_count; i++)
		rh_record_put_u32(&writer, RH_TAG_GID, process->gids[i]);
	return rh_conn_send(use->edge->conn, RH_FRAME_PEER, 0, &writer,
	                    &process->pidfd, 1);
}

int rh_use_introduce(struct rh_use *use)
{
	int r;

	if (use->serial == use->edge->serial)
		return RH_OK;
	if (!use->edge->conn)
		return RH_ELOST;
	if ((r = send_peer(use)) < 0)
		return r;
	use->serial = use->edge->serial; /* U1 */
	memset(&use->sent, 0, sizeof use->sent);
	return RH_OK;
}

int rh_use_pass_context(struct rh_use *use, uint32_t id)
{
	struct rh_contexts     *contexts = &use->contexts;
	int                     slot = rh_contexts_find(contexts, id);
	struct rh_context      *context;
	struct rh_record_writer writer;
	int                     r;

	if (slot < 0)
		return slot;
	context = &contexts->slots[slot];
	if (use->sent.serials[slot] == context->serial)
		return RH_OK;
	rh_record_begin(&writer, rh_agent_out_buffer(),
	                RH_CONTEXT_BYTES_MAX + 64);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, use->process->attachment);
	memcpy(writer.bytes + writer.used, context->records, context->len);
	writer.used += context->len;
	r = rh_conn_send(use->edge->conn, RH_FRAME_PEER_CONTEXT, 0, &writer,
	                 &context->directory, context->directory >= 0);
	if (r == RH_OK)
		use->sent.serials[slot] = context->serial;
	return r;
}

void rh_use_close(struct rh_use *use)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	if (use->edge->conn && use->serial == use->edge->serial) {
		rh_record_begin(&writer, bytes, sizeof bytes);
		rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, use->process->attachment);
		rh_conn_send(use->edge->conn, RH_FRAME_PEER_GONE, 0, &writer, NULL, 0);
	}
	rh_list_remove(&use->in_process);
	rh_list_remove(&use->in_edge);
	rh_contexts_fini(&use->contexts);
	free(use);
}
