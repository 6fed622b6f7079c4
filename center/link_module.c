#include "link_peer.h"

#include "center.h"
#include "decode.h"
#include "store/store.h"

#include "../base/diag.h"
#include "../base/failpoint.h"
#include "../model/error.h"

#include <stdio.h>
#include <string.h>

/* Parts of a module for agents that run it: each is asked for on its own, so a slow agent
 * costs nothing, and one that was cut off goes on where it was. */

#define PART_BYTES (RH_FRAME_MAX - 1024u)

int rh_peer_module(struct rh_center *center, struct rh_link_conn *conn,
                   const struct rh_frame *frame, struct rh_diag *diag)
{
	char     sha256[sizeof conn->module];
	uint32_t offset = 0;

	(void)center;
	if (rh_record_text(&frame->records, RH_TAG_MODULE, sha256, sizeof sha256) < 0 ||
	    !rh_is_sha256(sha256) ||
	    rh_record_u32(&frame->records, RH_TAG_OFFSET, &offset) < 0)
		return rh_diag_set(diag, RH_EPROTO, "MODULE_GET lacks a module or an offset");
	memcpy(conn->module, sha256, sizeof sha256);
	conn->module_offset = offset;
	rh_failpoint("module-asked");
	return RH_OK;
}

/* ---- sending ---- */

static void put_signature(struct rh_record_writer *writer, const struct rh_center *center,
                          const char *sha256)
{
	const struct rh_object *object = rh_catalog_find(&center->realm.catalog,
	                                                 RH_OBJECT_MODULE, sha256);
	json_t     *stored = object ? rh_object_parse(object) : NULL;
	const char *signature = json_string_value(json_object_get(json_object_get(stored,
	                                          "status"), "signature"));

	if (signature)
		rh_record_put_text(writer, RH_TAG_SIGNATURE, signature);
	json_decref(stored);
}

struct part {
	struct rh_record_writer *writer;
	struct rh_link_conn     *conn;
};

static int put_part(void *user, const struct rh_store_record *record)
{
	struct part *part = user;
	size_t       from = part->conn->module_offset, count;

	if (from >= record->value_bytes)
		return RH_EINVAL;
	count = record->value_bytes - from;
	if (count > PART_BYTES)
		count = PART_BYTES;
	rh_record_put_u64(part->writer, RH_TAG_BYTES, record->value_bytes);
	rh_record_put(part->writer, RH_TAG_BODY, (const char *)record->value + from, count);
	return RH_OK;
}

static void put_refusal(struct rh_record_writer *writer, const struct rh_link_conn *conn,
                        int code)
{
	char text[160];

	snprintf(text, sizeof text, code == RH_ENOENT ? "module %s is not here"
	         : "the bytes of module %s cannot be read from %u on", conn->module,
	         conn->module_offset);
	rh_record_put_i32(writer, RH_TAG_CODE, code);
	rh_record_put_text(writer, RH_TAG_TEXT, text);
}

void rh_link_send_module(struct rh_link_conn *conn)
{
	static unsigned char     bytes[RH_FRAME_MAX]; /* one thread */
	const struct rh_center  *center = conn->link->center;
	struct rh_record_writer  writer;
	struct part              part = { &writer, conn };
	int                      err;

	rh_record_begin(&writer, bytes, sizeof bytes - sizeof(struct rh_frame_head));
	rh_record_put_text(&writer, RH_TAG_MODULE, conn->module);
	rh_record_put_u32(&writer, RH_TAG_OFFSET, conn->module_offset);
	if (conn->module_offset == 0)
		put_signature(&writer, center, conn->module);
	err = rh_store_blob_get(center->store, conn->module, put_part, &part);
	if (err < 0)
		put_refusal(&writer, conn, err);
	err = rh_socket_send(conn->fd, RH_FRAME_MODULE_DATA, 0, &writer, NULL, 0);
	if (err == RH_EAGAIN)
		conn->is_full = 1;
	else if (err < 0)
		rh_link_drop(conn, NULL);
	else
		conn->module[0] = '\0';
	rh_failpoint("module-sent");
}
