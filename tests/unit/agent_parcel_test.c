/* Descriptors and contexts that come ahead of their call: kept, bounded, closed. */
#include "../../agent/context.h"
#include "../../agent/parcel.h"
#include "../../model/error.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned char buffer[RH_FRAME_MAX];
static unsigned char records[RH_CONTEXT_BYTES_MAX * 2];

static int open_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int  count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static struct rh_frame parcel(uint64_t call, unsigned fds)
{
	struct rh_frame         frame = { .type = RH_FRAME_FDS };
	struct rh_record_writer writer;

	rh_record_begin(&writer, records, sizeof records);
	rh_record_put_u64(&writer, RH_TAG_CALL, call);
	rh_record_read(&frame.records, records, writer.used);
	while (frame.fd_count < fds)
		frame.fds[frame.fd_count++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return frame;
}

static void put(struct rh_parcels *parcels, uint64_t call, unsigned fds)
{
	struct rh_frame frame = parcel(call, fds);

	assert_int_equal(rh_parcels_put(parcels, &frame), RH_OK);
	rh_frame_drop(&frame);
}

static void parcels_find_their_call(void **unused)
{
	struct rh_parcels parcels;
	struct rh_fds     fds = { 0 };
	int               before = open_count();

	(void)unused;
	rh_parcels_init(&parcels, 4);
	put(&parcels, 1, 2);
	put(&parcels, 2, 1);
	assert_int_equal(rh_parcels_take(&parcels, 3, 1, &fds), RH_ENOENT);
	assert_int_equal(rh_parcels_take(&parcels, 2, 1, &fds), RH_OK);
	assert_int_equal(fds.count, 1);
	assert_int_equal(open_count(), before + 3);
	rh_fds_close(&fds);
	assert_int_equal(rh_parcels_take(&parcels, 2, 1, &fds), RH_ENOENT);
	/* Not as many as the call says: neither gets them. */
	assert_int_equal(rh_parcels_take(&parcels, 1, 1, &fds), RH_EPROTO);
	assert_int_equal(fds.count, 0);
	assert_int_equal(open_count(), before);
	rh_parcels_fini(&parcels);
}

static void the_oldest_parcel_makes_room(void **unused)
{
	struct rh_parcels parcels;
	struct rh_fds     fds = { 0 };
	int               before = open_count();

	(void)unused;
	rh_parcels_init(&parcels, 2);
	for (uint64_t call = 1; call <= 5; call++)
		put(&parcels, call, 1);
	assert_int_equal(open_count(), before + 2);
	assert_int_equal(rh_parcels_take(&parcels, 3, 1, &fds), RH_ENOENT);
	assert_int_equal(rh_parcels_take(&parcels, 4, 1, &fds), RH_OK);
	rh_fds_close(&fds);
	rh_parcels_fini(&parcels);
	assert_int_equal(open_count(), before);
}

static void a_parcel_without_a_call_is_refused(void **unused)
{
	struct rh_parcels parcels;
	struct rh_frame   frame = parcel(1, 1);
	int               before = open_count();

	(void)unused;
	rh_parcels_init(&parcels, 2);
	rh_record_read(&frame.records, records, 0);
	assert_int_equal(rh_parcels_put(&parcels, &frame), RH_EPROTO);
	rh_frame_drop(&frame);
	assert_int_equal(open_count(), before - 1);
	assert_int_equal(parcels.count, 0);
}

/* What stands on a companion before it hangs up is read; junk is passed over. */
static void a_companion_is_drained_to_its_end(void **unused)
{
	struct rh_parcels parcels;
	struct rh_fds     fds = { .count = 1, .at = { STDIN_FILENO } };
	int               pair[2], before = open_count();

	(void)unused;
	assert_int_equal(rh_socket_pair(1, pair), RH_OK);
	rh_parcels_init(&parcels, 4);
	assert_int_equal(rh_parcels_drain(&parcels, pair[0], buffer, NULL, NULL), RH_OK);
	assert_int_equal(write(pair[1], "junk", 4), 4);
	assert_int_equal(rh_parcel_send(pair[1], 8, &fds), RH_OK);
	close(pair[1]);
	assert_int_equal(rh_parcels_drain(&parcels, pair[0], buffer, NULL, NULL),
	                 RH_ELOST);
	assert_int_equal(parcels.count, 1);
	rh_parcels_fini(&parcels);
	close(pair[0]);
	assert_int_equal(open_count(), before);
}

static const char *directory = "/";

static struct rh_frame context(uint32_t id, const char *env)
{
	struct rh_frame         frame = { .type = RH_FRAME_CONTEXT };
	struct rh_record_writer writer;

	rh_record_begin(&writer, records, sizeof records);
	rh_record_put_u64(&writer, RH_TAG_ATTACHMENT, 99);
	rh_record_put_u32(&writer, RH_TAG_CONTEXT, id);
	rh_record_put_text(&writer, RH_TAG_ENV, env);
	rh_record_read(&frame.records, records, writer.used);
	frame.fds[frame.fd_count++] = open(directory, O_PATH | O_CLOEXEC);
	return frame;
}

static int put_context(struct rh_contexts *contexts, uint32_t id, const char *env)
{
	struct rh_frame frame = context(id, env);
	int             r = rh_contexts_put(contexts, &frame);

	rh_frame_drop(&frame);
	return r;
}

static void contexts_are_kept_without_their_sender(void **unused)
{
	struct rh_contexts      contexts;
	struct rh_record_reader reader;
	uint64_t                attachment, serial;
	int                     before = open_count(), slot;

	(void)unused;
	rh_contexts_init(&contexts);
	assert_int_equal(put_context(&contexts, 5, "TZ=UTC"), RH_OK);
	slot = rh_contexts_find(&contexts, 5);
	assert_true(slot >= 0);
	assert_true(contexts.slots[slot].directory >= 0);
	rh_record_read(&reader, contexts.slots[slot].records, contexts.slots[slot].len);
	assert_int_equal(rh_record_u64(&reader, RH_TAG_ATTACHMENT, &attachment),
	                 RH_ENOENT);
	assert_int_equal(rh_contexts_find(&contexts, 0), RH_ENOENT);
	assert_int_equal(rh_contexts_find(&contexts, 6), RH_ENOENT);
	/* The same again, by another thread, is nothing new; something else is. */
	serial = contexts.slots[slot].serial;
	assert_int_equal(put_context(&contexts, 5, "TZ=UTC"), RH_OK);
	assert_int_equal(contexts.slots[slot].serial, serial);
	assert_int_equal(put_context(&contexts, 5, "TZ=CET"), RH_OK);
	assert_int_equal(rh_contexts_find(&contexts, 5), slot);
	assert_true(contexts.slots[slot].serial != serial);
	serial = contexts.slots[slot].serial;
	directory = "/tmp";
	assert_int_equal(put_context(&contexts, 5, "TZ=CET"), RH_OK);
	assert_true(contexts.slots[slot].serial != serial);
	directory = "/";
	assert_int_equal(open_count(), before + 1);
	rh_contexts_fini(&contexts);
	assert_int_equal(open_count(), before);
}

static void the_oldest_context_makes_room(void **unused)
{
	struct rh_contexts contexts;
	int                before = open_count();

	(void)unused;
	rh_contexts_init(&contexts);
	for (uint32_t id = 1; id <= RH_CONTEXTS_PER_PEER + 3; id++)
		assert_int_equal(put_context(&contexts, id, "A=b"), RH_OK);
	assert_int_equal(rh_contexts_find(&contexts, 3), RH_ENOENT);
	assert_true(rh_contexts_find(&contexts, 4) >= 0);
	assert_int_equal(open_count(), before + (int)RH_CONTEXTS_PER_PEER);
	rh_contexts_fini(&contexts);
}

static void contexts_that_are_none_are_refused(void **unused)
{
	static char        large[RH_CONTEXT_BYTES_MAX];
	struct rh_contexts contexts;
	int                before = open_count();

	(void)unused;
	rh_contexts_init(&contexts);
	assert_int_equal(put_context(&contexts, 0, "A=b"), RH_EPROTO);
	memset(large, 'x', sizeof large - 1);
	assert_int_equal(put_context(&contexts, 1, large), RH_EPROTO);
	assert_int_equal(open_count(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parcels_find_their_call),
		cmocka_unit_test(the_oldest_parcel_makes_room),
		cmocka_unit_test(a_parcel_without_a_call_is_refused),
		cmocka_unit_test(a_companion_is_drained_to_its_end),
		cmocka_unit_test(contexts_are_kept_without_their_sender),
		cmocka_unit_test(the_oldest_context_makes_room),
		cmocka_unit_test(contexts_that_are_none_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
