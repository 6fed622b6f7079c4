/* A registered program that lies: it is run as the resource "evil" of a whole system
 * (hostile.py), speaks raw frames and pages, and looks at what it is told.  Whether
 * anybody else was disturbed is for hostile.py to see.
 *
 * Its callee is "lib", a real worker that serves tests/sdk/things.h. */
#include "agent_kit.h"

#include "../../base/memory.h"
#include "../../model/interface.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ADD     "things_add(i32,i32)i32"
#define COPY    "things_copy(bytes(len 2),u64,out bytes(cap 4 used return),u64)i64"
#define WHERE   "things_where(path)string"
#define READ    "things_read(fd,out bytes(cap 3 used return),u64)i32"
#define BOX_NEW "box_new(i32)new handle box"
#define BOX_GET "box_get(handle box)i32"

enum { BYTES_MAX = 4096, CHANGES = 2000 };

static struct kit_peer peer;
static struct kit_page page;
static uint32_t        edge;

/* ---- calls by hand ------------------------------------------------------ */

static uint64_t id_of(const char *signature)
{
	return rh_fnv1a(RH_FNV_SEED, signature, strlen(signature));
}

static void take_page(struct kit_page *at)
{
	assert_int_equal(kit_page_get(&peer, edge, 0, at), RH_OK);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(kit_attach(&peer, "evil", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&peer, "lib", &edge), RH_OK);
	take_page(&page);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kit_page_close(&page);
	kit_detach(&peer);
	return 0;
}

static unsigned char *reserve(uint32_t len, int *ret_slot)
{
	unsigned char *args;

	*ret_slot = rh_caller_reserve(&page.caller, len, BYTES_MAX, &args);
	assert_true(*ret_slot >= 0);
	return args;
}

static struct rh_reply submit(int slot, const struct rh_request *request)
{
	struct rh_reply reply;

	rh_caller_submit(&page.caller, slot, request);
	kit_collect(&page, slot, &reply);
	return reply;
}

/* A call whose arguments are a null mask and cells of 8 bytes. */
static struct rh_reply call(const char *signature, const uint64_t *cells, unsigned count)
{
	struct rh_request request = {
		.function = id_of(signature), .args_len = 8 + 8 * count,
		.deadline = kit_deadline(),
	};
	int            slot;
	unsigned char *args = reserve(request.args_len, &slot);

	memset(args, 0, 8);
	memcpy(args + 8, cells, 8 * count);
	return submit(slot, &request);
}

static uint64_t cell_of(const struct rh_reply *reply)
{
	uint64_t value;

	assert_int_equal(reply->status, RH_OK);
	assert_true(reply->len >= 16);
	memcpy(&value, reply->bytes + 8, sizeof value);
	return value;
}

static void the_page_is_well(void)
{
	const uint64_t  cells[2] = { 40, 2 };
	struct rh_reply reply = call(ADD, cells, 2);

	assert_int_equal((int32_t)cell_of(&reply), 42);
}

static void assert_refused(const struct rh_reply *reply, int status, const char *words)
{
	char   text[RH_DIAG_MAX] = "";
	size_t len = reply->len;

	assert_int_equal(reply->status, status);
	assert_true(reply->flags & RH_SLOT_SURE);
	if (status == RH_EFUNC) /* the functions stand behind a NUL */
		len = strnlen((const char *)reply->bytes, len);
	if (len > 0 && len < sizeof text)
		memcpy(text, reply->bytes, len);
	if (!strstr(text, words))
		fail_msg("\"%s\" does not say \"%s\"", text, words);
}

/* ---- frames ------------------------------------------------------------- */

static void frames_that_lie(void **unused)
{
	unsigned char           bytes[128];
	struct rh_record_writer writer;
	uint32_t                again;

	(void)unused;
	for (unsigned type = 0; type < 256; type++) {
		if (type == RH_FRAME_PAGE_PUT || type == RH_FRAME_ERROR ||
		    type == RH_FRAME_PAGE_ADDED)
			continue; /* answers nothing */
		int r = kit_ask(&peer, (uint8_t)type, NULL, 0);
		assert_int_equal(r, type == RH_FRAME_SERVE ? RH_EINVAL : RH_EPROTO);
		assert_true(kit_text[0] != 0);
	}
	assert_int_equal(kit_open_edge(&peer, "app", &again), RH_ENOEDGE);
	assert_non_null(strstr(kit_text, "evil declares no reference to app"));
	assert_int_equal(kit_page_get(&peer, 77, 0, &page), RH_EINVAL);
	assert_non_null(strstr(kit_text, "there is no edge 77"));
	assert_int_equal(kit_page_get(&peer, RH_EDGE_EMIT, 0, &page), RH_EINVAL);
	assert_non_null(strstr(kit_text, "evil"));
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_EDGE, edge); /* a number of another size */
	assert_int_equal(kit_ask(&peer, RH_FRAME_PAGE_GET, &writer, 0), RH_EPROTO);
	the_page_is_well();
}

/* Each ends the connection it came on, and nothing else. */
static void heads_that_lie(void **unused)
{
	static const struct rh_frame_head good = {
		.magic = RH_FRAME_MAGIC, .version = RH_WIRE_VERSION,
		.type = RH_FRAME_ATTACH, .head_len = sizeof good, .request = 1,
	};
	struct rh_frame_head heads[6] = { good, good, good, good, good, good };

	(void)unused;
	heads[0].magic++;
	heads[1].version++;
	heads[2].head_len--;
	heads[3].head_len = 0xffff;
	heads[4].payload_len = 1;
	heads[5].payload_len = 0xffffffff;
	for (int i = 0; i < 6; i++) {
		int fd = kit_connect("evil");

		assert_int_equal(write(fd, &heads[i], sizeof heads[i]), sizeof heads[i]);
		if (i == 1)
			kit_expect(fd, RH_FRAME_ERROR);
		assert_int_equal(kit_receive(fd), RH_ELOST);
		close(fd);
	}
	the_page_is_well();
}

/* ---- pages -------------------------------------------------------------- */

static void wake_server(void)
{
	const uint64_t one = 1;

	if (page.flags & RH_PAGE_FLAG_BIND)
		rh_bell_ring(&page.caller.page.head->caller.server_bell);
	else
		assert_int_equal(write(peer.event, &one, sizeof one), sizeof one);
}

/* Writes the request as it is, word last. */
static struct rh_reply write_slot(struct rh_slot_request request)
{
	struct rh_slot_request *out;
	struct rh_reply         reply;
	int                     slot;
	uint32_t                word;

	reserve(8, &slot);
	out = &page.caller.page.slots[slot].request;
	word = RH_SLOT_WORD(page.caller.sequences[slot], RH_SLOT_SUBMITTED);
	memcpy((char *)out + sizeof out->word, (char *)&request + sizeof request.word,
	       sizeof request - sizeof request.word);
	atomic_store(&out->word, word);
	wake_server();
	kit_collect(&page, slot, &reply);
	return reply;
}

static void lengths_and_offsets_that_lie(void **unused)
{
	static const uint32_t arena = RH_PAGE_ARENA_OFF;
	static const struct { uint32_t args_off, args_len, reply_off, reply_cap; } lies[] = {
		{ 0, 8, arena, 64 }, { arena, 0xffffffff, arena, 64 },
		{ RH_PAGE_BYTES - 4, 8, arena, 64 }, { 0xfffffff0, 32, arena, 64 },
		{ arena - 8, 16, arena, 64 }, { RH_PAGE_SLOTS_OFF, 400, arena, 64 },
		{ arena, 8, 0, 64 }, { arena, 8, arena, 0xffffffff },
		{ arena, 8, RH_PAGE_BYTES, 1 }, { arena, 8, 64, 512 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		struct rh_slot_request request = {
			.function = id_of(ADD), .args_off = lies[i].args_off,
			.args_len = lies[i].args_len, .reply_off = lies[i].reply_off,
			.reply_cap = lies[i].reply_cap,
		};
		struct rh_reply reply = write_slot(request);

		assert_refused(&reply, RH_EPROTO, "");
	}
	the_page_is_well();
}

static void counts_and_flags_that_lie(void **unused)
{
	struct rh_slot_request honest = {
		.function = id_of(ADD), .args_off = RH_PAGE_ARENA_OFF, .args_len = 24,
		.reply_off = RH_PAGE_ARENA_OFF, .reply_cap = 64,
	};
	struct rh_slot_request request;
	struct rh_reply        reply;

	(void)unused;
	request = honest;
	request.fds = 0xffff;
	reply = write_slot(request);
	assert_refused(&reply, RH_EPROTO, "");
	request.fds = 3; /* that were never sent */
	reply = write_slot(request);
	assert_refused(&reply, RH_EPROTO, "wire format");
	request = honest;
	request.context = 99;
	reply = write_slot(request);
	assert_refused(&reply, RH_EPROTO, "wire format");
	request = honest;
	request.flags = RH_SLOT_ARGS_MEMFD;
	reply = write_slot(request);
	assert_refused(&reply, RH_EPROTO, "");
	request.args_len = RH_PAYLOAD_MAX + 1;
	request.fds = 1;
	reply = write_slot(request);
	assert_refused(&reply, RH_EPROTO, "");
	the_page_is_well();
}

/* A word of the wrong sequence or state is not a call; the right one then is. */
static void sequences_and_states_that_lie(void **unused)
{
	const uint64_t          cells[3] = { 0, 1, 2 };
	struct rh_request       request = { .function = id_of(ADD), .args_len = 24 };
	struct rh_slot_request *out;
	uint32_t                sequence;
	int                     slot;
	unsigned char          *args = reserve(24, &slot);

	(void)unused;
	memcpy(args, cells, sizeof cells);
	out = &page.caller.page.slots[slot].request;
	sequence = page.caller.sequences[slot];
	for (uint32_t state = 0; state < 4; state++) {
		atomic_store(&out->word, RH_SLOT_WORD(sequence + RH_PAGE_SLOTS, state));
		wake_server();
		atomic_store(&out->word, RH_SLOT_WORD(sequence - 1, state));
		wake_server();
	}
	atomic_store(&out->word, RH_SLOT_WORD(sequence, RH_SLOT_DONE));
	wake_server();
	struct rh_reply reply = submit(slot, &request);
	assert_int_equal((int32_t)cell_of(&reply), 3);
	/* Later slots as if they had been submitted: not taken before their turn. */
	for (uint32_t ahead = 2; ahead < RH_PAGE_SLOTS; ahead++) {
		out = &page.caller.page.slots[(sequence + ahead) % RH_PAGE_SLOTS].request;
		atomic_store(&out->word, RH_SLOT_WORD(sequence + ahead + RH_PAGE_SLOTS,
		                                      RH_SLOT_SUBMITTED));
	}
	wake_server();
	the_page_is_well();
}

/* The words that say who sleeps, and the head's constants. */
static void heads_of_pages_that_lie(void **unused)
{
	struct rh_page_head *head = page.caller.page.head;

	(void)unused;
	memset(&head->fixed, 0xff, sizeof head->fixed);
	memset(&head->by_caller, 0xff, sizeof head->by_caller);
	memset(&head->latency, 0xff, sizeof head->latency);
	atomic_store(&head->caller.cpu, 0xffffffff);
	for (uint32_t how = 0; how < 4; how++) {
		atomic_store(&head->caller.asleep, how);
		wake_server();
		the_page_is_well();
	}
}

static void a_function_that_is_not_there(void **unused)
{
	const uint64_t  cells[2] = { 1, 2 };
	struct rh_reply reply = call("things_add(i32,i32)i64", cells, 2);

	(void)unused;
	assert_refused(&reply, RH_EFUNC, "things offers no function with id");
	the_page_is_well();
}

/* ---- arguments ---------------------------------------------------------- */

/* What the peer says of its arguments: cells and blobs beyond them, too few of them. */
static void arguments_that_lie(void **unused)
{
	const uint64_t far[4] = { 0xfffffffful << 32 | 0xfffffff0u, 8, 0, 8 };
	const uint64_t one[1] = { 1 };
	const uint64_t huge[4] = { 8ul << 32 | 40, 8, 0, UINT64_MAX };

	(void)unused;
	struct rh_reply reply = call(COPY, far, 4);
	assert_refused(&reply, RH_EPROTO, "things_copy of things");
	reply = call(ADD, one, 1);
	assert_refused(&reply, RH_EPROTO, "things_add of things");
	reply = call(ADD, one, 0);
	assert_refused(&reply, RH_EPROTO, "things_add of things");
	reply = call(COPY, huge, 4); /* as much room as there are numbers */
	assert_true(reply.status < 0);
	the_page_is_well();
}

static unsigned char *_Atomic victim; /* arguments of a call that is under way */

/* Cells that are right and wrong in turn; NULL ends it. */
static void *change(void *unused)
{
	volatile uint64_t *cells;

	(void)unused;
	for (uint64_t i = 1; (cells = (void *)victim); i = i * 6364136223846793005u + 1) {
		cells[i >> 62] = i >> 61 & 1 ? i : 8ul << 32 | 40;
		cells[2] = 8;
	}
	return NULL;
}

/* Bytes change between the look at them and their use, again and again. */
static void arguments_that_change_while_they_are_read(void **unused)
{
	const uint64_t    cells[6] = { 0, 8ul << 32 | 40, 8, 8, 8, 0x7878787878787878 };
	struct rh_request request = { .function = id_of(COPY), .args_len = sizeof cells };
	unsigned          done = 0, refused = 0;
	pthread_t         thread;
	int               slot;

	(void)unused;
	victim = page.caller.page.slots[0].body;
	assert_int_equal(pthread_create(&thread, NULL, change, NULL), 0);
	for (int i = 0; i < CHANGES || done == 0 || refused == 0; i++) {
		unsigned char  *args = reserve(sizeof cells, &slot);
		struct rh_reply reply;

		memcpy(args, cells, sizeof cells);
		victim = args;
		request.deadline = kit_deadline();
		reply = submit(slot, &request);
		done += reply.status == RH_OK;
		refused += reply.status < 0;
	}
	victim = NULL;
	pthread_join(thread, NULL);
	the_page_is_well();
}

/* ---- handles ------------------------------------------------------------ */

/* Another process of the same resource: makes a box, tells its id, and looks after it
 * when it is told to. */
static int own_a_box(int in, int out)
{
	const uint64_t  value = 5;
	struct rh_reply reply;
	uint64_t        id;
	char            word;

	set_up(NULL);
	reply = call(BOX_NEW, &value, 1);
	id = cell_of(&reply);
	if (write(out, &id, sizeof id) != sizeof id || read(in, &word, 1) != 1)
		return 1;
	reply = call(BOX_GET, &id, 1);
	return (int32_t)cell_of(&reply) == 5 ? 0 : 2;
}

static void another_callers_handle(void **unused)
{
	const uint64_t  value = 6;
	struct rh_reply reply;
	uint64_t        theirs, ours;
	int             down[2], up[2], status;
	pid_t           child;

	(void)unused;
	assert_int_equal(pipe(down) + pipe(up), 0);
	child = fork();
	if (child == 0)
		_exit(own_a_box(down[0], up[1]));
	reply = call(BOX_NEW, &value, 1);
	ours = cell_of(&reply);
	assert_int_equal(read(up[0], &theirs, sizeof theirs), sizeof theirs);
	reply = call(BOX_GET, &theirs, 1);
	assert_refused(&reply, RH_EHANDLE, "box_get of things");
	for (uint64_t guess = ours + 1; guess < ours + 20; guess++) {
		reply = call(BOX_GET, &guess, 1);
		assert_refused(&reply, RH_EHANDLE, "another caller's");
	}
	reply = call(BOX_GET, &ours, 1);
	assert_int_equal((int32_t)cell_of(&reply), 6);
	assert_int_equal(write(down[1], "x", 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (int i = 0; i < 2; i++)
		close(down[i]), close(up[i]);
}

/* ---- descriptors and contexts ------------------------------------------- */

static int send_fds(uint64_t call_number, const int *fds, unsigned count)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_CALL, call_number);
	return rh_socket_send(page.companion, RH_FRAME_FDS, 0, &writer, fds, count);
}

/* A call that says it has two descriptors. */
static struct rh_reply call_with_two_fds(void)
{
	const uint64_t    cells[3] = { 0, 0, 8 };
	struct rh_request request = {
		.function = id_of(READ), .args_len = 32, .fds = 2,
	};
	int               slot;
	unsigned char    *args = reserve(32, &slot);

	memset(args, 0, 8);
	memcpy(args + 8, cells, sizeof cells);
	return submit(slot, &request);
}

/* For calls that never come, the wrong number, none: nobody keeps them. */
static void descriptors_for_nothing(void **unused)
{
	int many[RH_FRAME_FDS_MAX];

	(void)unused;
	for (unsigned i = 0; i < RH_FRAME_FDS_MAX; i++)
		many[i] = page.companion; /* even itself */
	for (uint64_t round = 0; round < 20; round++) {
		for (uint64_t i = 0; send_fds(round << 32 | i, many, RH_FRAME_FDS_MAX) ==
		                     RH_OK; i++)
			; /* until it is full */
		struct rh_reply reply = call_with_two_fds();
		assert_refused(&reply, RH_EPROTO, "wire format");
	}
	assert_int_equal(send_fds(page.caller.next, many, 1), RH_OK); /* one too few */
	struct rh_reply reply = call_with_two_fds();
	assert_refused(&reply, RH_EPROTO, "wire format");
	the_page_is_well();
}

/* A connection that waits an hour, when it is closed for the last time, for bytes that
 * its other end does not take. */
static int lingering(void)
{
	static char        bytes[65536];
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct linger      linger = { .l_onoff = 1, .l_linger = 3600 };
	socklen_t          len = sizeof address;
	int                listener = socket(AF_INET, SOCK_STREAM, 0);
	int                fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
	assert_true(accept(listener, NULL, NULL) >= 0);
	close(listener);
	while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
	return fd;
}

/* Whoever takes it, or takes away the page in whose socket it stands, has the last. */
static void descriptors_that_close_slowly(void **unused)
{
	struct kit_page one;
	int             slow[2];

	(void)unused;
	take_page(&one);
	for (int i = 0; i < 2; i++) { /* the wrong number; never asked for */
		slow[0] = lingering();
		assert_int_equal(send_fds(page.caller.next + (i ? 1000u : 0), slow, 1),
		                 RH_OK);
		close(slow[0]);
	}
	struct rh_reply reply = call_with_two_fds();
	assert_refused(&reply, RH_EPROTO, "wire format");
	slow[0] = lingering(); /* goes all the way, as an argument too many */
	slow[1] = lingering();
	assert_int_equal(send_fds(page.caller.next, slow, 2), RH_OK);
	close(slow[0]);
	close(slow[1]);
	call_with_two_fds();
	slow[0] = lingering();
	assert_int_equal(send_fds(7, slow, 1), RH_OK);
	close(slow[0]);
	kit_page_close(&page);
	page = one;
	the_page_is_well();
	take_page(&one);
	kit_page_close(&one);
}

/* Arguments in memory that is no memfd, that is too short, that may still change. */
static void payloads_that_lie(void **unused)
{
	char              path[] = "/tmp/rh-hostile-XXXXXX";
	struct rh_request request = {
		.function = id_of(ADD), .args_len = 24, .fds = 1,
		.flags = RH_SLOT_ARGS_MEMFD,
	};
	const char       *words[2] = { "memory of a fixed size", "things_add of things" };
	int               fds[3], slot;

	(void)unused;
	if (page.flags & RH_PAGE_FLAG_BIND)
		words[0] = words[1];
	fds[0] = mkstemp(path);
	unlink(path);
	assert_int_equal(ftruncate(fds[0], 4096), 0);
	fds[1] = rh_memory_freeze("short", 5);
	fds[2] = (int)memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fds[2], 4096), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send_fds(page.caller.next, &fds[i], 1), RH_OK);
		reserve(0, &slot);
		struct rh_reply reply = submit(slot, &request);
		assert_refused(&reply, RH_EPROTO, words[i > 0]);
		close(fds[i]);
	}
	the_page_is_well();
}

static void send_context(uint32_t id, int directory, const char *env)
{
	unsigned char           bytes[8300];
	struct rh_record_writer writer;
	int                     r;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_CONTEXT, id);
	rh_record_put_u32(&writer, RH_TAG_UMASK, 0xffffffff);
	rh_record_put_text(&writer, RH_TAG_LOCALE, "../../tmp");
	rh_record_put_text(&writer, RH_TAG_ENV, env);
	r = rh_socket_send(page.companion, RH_FRAME_CONTEXT, 0, &writer, &directory,
	                   directory >= 0);
	assert_int_equal(r, RH_OK);
}

static struct rh_reply where(uint32_t context)
{
	struct rh_request request = {
		.function = id_of(WHERE), .args_len = 24, .context = context,
		.deadline = kit_deadline(),
	};
	const uint64_t    cells[3] = { 0, 1ul << 32 | 16, '.' };
	int               slot;
	unsigned char    *args = reserve(24, &slot);

	memcpy(args, cells, sizeof cells);
	return submit(slot, &request);
}

/* A directory that is none; variables that decide what a process loads. */
static void contexts_that_lie(void **unused)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int tmp = open("/tmp", O_PATH | O_CLOEXEC);

	(void)unused;
	send_context(1, null, "LD_PRELOAD=/tmp/evil.so");
	struct rh_reply reply = where(1);
	assert_refused(&reply, RH_EIO, "things_where of things");
	send_context(2, tmp, "LD_PRELOAD=/tmp/evil.so");
	reply = where(2);
	assert_int_equal(reply.status, RH_OK);
	for (uint32_t id = 3; id < 100; id++) {
		send_context(id, tmp, "PATH=/tmp");
		the_page_is_well();
	}
	close(null);
	close(tmp);
	the_page_is_well();
}

/* ---- greed -------------------------------------------------------------- */

/* One thread takes no answer, and its slots and arena are full of them. */
static void answers_that_nobody_takes(void **unused)
{
	struct kit_page   other = page;
	struct rh_request request = { .function = id_of(ADD), .args_len = 24 };
	const uint64_t    cells[3] = { 0, 20, 22 };

	(void)unused;
	take_page(&page);
	for (unsigned i = 0; i < RH_PAGE_SLOTS; i++) {
		int            slot;
		unsigned char *args = reserve(24, &slot);

		memcpy(args, cells, sizeof cells);
		rh_caller_submit(&page.caller, slot, &request);
	}
	struct kit_page full = page;
	page = other;
	for (int i = 0; i < 100; i++)
		the_page_is_well();
	kit_page_close(&full);
	the_page_is_well();
}

/* What wakes this process is made blocking and full; whoever rings it must not care. */
static void a_waker_that_would_block(void **unused)
{
	const uint64_t  most = UINT64_MAX - 1, cells[2] = { 40, 2 };
	const struct rh_request request = {
		.function = id_of(ADD), .args_len = 24, .deadline = kit_deadline(),
	};

	(void)unused;
	while (write(page.event, &most, sizeof most) > 0)
		; /* of an eventfd once, of a socket to the other side */
	assert_int_equal(fcntl(page.event, F_SETFL, 0), 0);
	for (int i = 0; i < 1000; i++) {
		int             slot;
		unsigned char  *args = reserve(request.args_len, &slot);
		struct rh_reply reply;

		memset(args, 0, 8);
		memcpy(args + 8, cells, sizeof cells);
		assert_int_equal(rh_caller_arm(&page.caller, slot), RH_OK);
		reply = submit(slot, &request);
		assert_int_equal((int32_t)cell_of(&reply), 42);
	}
	rh_caller_woken(&page.caller);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_that_lie),
		TEST(heads_that_lie),
		TEST(lengths_and_offsets_that_lie),
		TEST(counts_and_flags_that_lie),
		TEST(sequences_and_states_that_lie),
		TEST(heads_of_pages_that_lie),
		TEST(a_function_that_is_not_there),
		TEST(arguments_that_lie),
		TEST(arguments_that_change_while_they_are_read),
		TEST(another_callers_handle),
		TEST(descriptors_for_nothing),
		TEST(descriptors_that_close_slowly),
		TEST(payloads_that_lie),
		TEST(contexts_that_lie),
		TEST(a_waker_that_would_block),
		TEST(answers_that_nobody_takes),
	};
	const char *run_dir = getenv("HOSTILE_RUN_DIR");

	if (!run_dir || strlen(run_dir) >= 64)
		return 2;
	strcpy(kit_dir, run_dir);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
