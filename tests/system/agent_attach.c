/* Attaching to a real agent: who is let in, who is told why not, who is ignored. */
#include "agent_kit.h"

#include "../../base/memory.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct kit_edge edges[] = {
	{ "file", "magic", "shm", RH_OK, NULL },
};

static struct kit_agent agent;

static int set_up(void **state)
{
	int r = kit_open(state);

	if (r == 0)
		kit_agent_start(&agent, "file");
	return r;
}

static void attach_has_an_id_that_is_the_processs_own(void **unused)
{
	struct kit_peer peer, again;

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	/* There may be two of a process. */
	assert_int_equal(kit_attach(&again, "file", RH_ROLE_CALLER), RH_OK);
	KIT_UNTIL(kit_counters(&agent)->processes == 2);
	kit_detach(&again);
	KIT_UNTIL(kit_counters(&agent)->processes == 1);
	kit_detach(&peer);
}

/* A program that comes back says who it was, and is it again; one that replaced another
 * in the process, or lies, is somebody new. */
static void a_program_is_known_by_what_it_was_given(void **unused)
{
	struct kit_peer peer, again, other, child_of;
	uint64_t        first;
	pid_t           child;
	int             status;

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	first = peer.attachment;
	assert_int_equal((first ^ (uint64_t)getpid()) & 0x3fffff, 0);
	assert_int_equal(kit_attach(&other, "file", RH_ROLE_CALLER), RH_OK);
	assert_true(other.attachment != first);
	kit_agent_kill(&agent, SIGKILL);
	kit_agent_start(&agent, "file");
	kit_apply(&agent, 1, "", edges, 1);
	assert_int_equal(kit_attach_again(&again, "file", RH_ROLE_CALLER, first), RH_OK);
	assert_true(again.attachment == first);
	/* One that is still to come, one from before the process began. */
	assert_int_equal(kit_attach_again(&again, "file", RH_ROLE_CALLER,
	                                  first + (1ull << 50)), RH_OK);
	assert_true(again.attachment != first + (1ull << 50));
	assert_int_equal(kit_attach_again(&again, "file", RH_ROLE_CALLER,
	                                  first & 0x3fffff), RH_OK);
	assert_true(again.attachment != (first & 0x3fffff));
	child = fork();
	if (child == 0) {
		kit_attach_again(&child_of, "file", RH_ROLE_CALLER, first);
		_exit(child_of.attachment == first);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Its patience ended: nobody answers what it asked. */
static void before_the_first_view_a_process_may_leave(void **unused)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct kit_peer         peer;
	int                     before = kit_descriptors(agent.pid), fd;

	(void)unused;
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_WIRE_VERSION);
	rh_record_put_u32(&writer, RH_TAG_ROLE, RH_ROLE_CALLER);
	fd = kit_connect("file");
	KIT_UNTIL(kit_descriptors(agent.pid) > before);
	kit_send(fd, RH_FRAME_ATTACH, 1, &writer, NULL, 0);
	close(fd);
	KIT_UNTIL(kit_descriptors(agent.pid) == before);
	kit_apply(&agent, 1, "", edges, 1);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_counters(&agent)->refused, 0);
	kit_detach(&peer);
}

static void before_the_first_view_a_process_waits(void **unused)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct pollfd           look;
	int                     fd;

	(void)unused;
	fd = kit_connect("file");
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_WIRE_VERSION);
	rh_record_put_u32(&writer, RH_TAG_ROLE, RH_ROLE_CALLER);
	kit_send(fd, RH_FRAME_ATTACH, 1, &writer, NULL, 0);
	look = (struct pollfd){ .fd = fd, .events = POLLIN };
	assert_int_equal(poll(&look, 1, 100), 0);
	kit_view(&agent, 1, "", edges, 1);
	kit_expect(fd, RH_FRAME_ATTACHED);
	close(fd);
}

static void an_unregistered_resource_admits_nobody(void **unused)
{
	struct kit_peer peer;

	(void)unused;
	kit_apply(&agent, 1, NULL, NULL, 0);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_EIDENT);
	assert_non_null(strstr(kit_text, "not registered"));
	assert_int_equal(kit_receive(peer.fd), RH_ELOST); /* and is sent away */
	KIT_UNTIL(kit_counters(&agent)->refused == 1);
	/* Registered meanwhile. */
	kit_apply(&agent, 2, "", edges, 1);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
}

static void wrong_words_are_refused(void **unused)
{
	static const struct { uint32_t version, role; int code; } cases[] = {
		{ RH_WIRE_VERSION + 1, RH_ROLE_CALLER, RH_EVERSION },
		{ RH_WIRE_VERSION, RH_ROLE_SUPERVISOR, RH_EINVAL },
		{ RH_WIRE_VERSION, 0, RH_EINVAL },
	};
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct kit_peer         peer = { 0 };

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		peer.fd = kit_connect("file");
		rh_record_begin(&writer, bytes, sizeof bytes);
		rh_record_put_u32(&writer, RH_TAG_VERSION, cases[i].version);
		rh_record_put_u32(&writer, RH_TAG_ROLE, cases[i].role);
		assert_int_equal(kit_ask(&peer, RH_FRAME_ATTACH, &writer,
		                         RH_FRAME_ATTACHED), cases[i].code);
		assert_int_equal(kit_receive(peer.fd), RH_ELOST);
		close(peer.fd);
	}
}

/* A process that is no agent may not speak for a resource; one that is neither
 * attached nor anything else is sent away. */
static void impostors_are_refused(void **unused)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct kit_peer         peer = { 0 };

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	peer.fd = kit_connect("file");
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u32(&writer, RH_TAG_VERSION, RH_WIRE_VERSION);
	rh_record_put_text(&writer, RH_TAG_RESOURCE, "httpclient");
	assert_int_equal(kit_ask(&peer, RH_FRAME_LINK, &writer, RH_FRAME_LINKED),
	                 RH_EIDENT);
	assert_non_null(strstr(kit_text, "no agent"));
	peer.fd = kit_connect("file");
	assert_int_equal(kit_ask(&peer, RH_FRAME_PAGE_GET, NULL, RH_FRAME_PAGE),
	                 RH_EPROTO);
	assert_int_equal(kit_receive(peer.fd), RH_ELOST);
}

/* Bytes that are no frame end only the connection they came on. */
static void junk_disturbs_nobody(void **unused)
{
	static const char junk[] = "GET / HTTP/1.1\r\n\r\n";
	struct kit_peer   peer;
	uint32_t          edge;

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	for (size_t len = 1; len < sizeof junk; len++) {
		int fd = kit_connect("file");

		assert_int_equal(write(fd, junk, len), len);
		assert_int_equal(kit_receive(fd), RH_ELOST);
		close(fd);
	}
	KIT_UNTIL(kit_counters(&agent)->malformed == sizeof junk - 1);
	assert_int_equal(kit_open_edge(&peer, "magic", &edge), RH_OK);
	/* Unknown to this version, though well formed: refused, and that is all. */
	assert_int_equal(kit_ask(&peer, 250, NULL, 0), RH_EPROTO);
	assert_int_equal(kit_ask(&peer, RH_FRAME_OPEN, NULL, 0), RH_EPROTO);
	assert_int_equal(kit_ask(&peer, RH_FRAME_PAGE_GET, NULL, 0), RH_EPROTO);
	assert_int_equal(kit_open_edge(&peer, "magic", &edge), RH_OK);
	assert_int_equal(write(peer.fd, junk, 5), 5);
	assert_int_equal(kit_receive(peer.fd), RH_ELOST);
}

/* Only agents have something to hand over. */
static void descriptors_of_strangers_are_not_taken(void **unused)
{
	struct kit_peer peer;
	uint32_t        edge;
	int             on;
	socklen_t       len = sizeof on;

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	if (getsockopt(peer.fd, SOL_SOCKET, 83, &on, &len) < 0) { /* SO_PASSRIGHTS */
		print_message("this kernel lets descriptors through to everybody\n");
		skip();
	}
	assert_int_equal(rh_socket_send(kit_connect("file"), RH_FRAME_ATTACH, 1, NULL,
	                                &peer.fd, 1), RH_EIO);
	assert_int_equal(rh_socket_send(peer.fd, RH_FRAME_OPEN, 1, NULL, &peer.fd, 1),
	                 RH_EIO);
	assert_int_equal(kit_open_edge(&peer, "magic", &edge), RH_OK);
}

/* The child has its parent's socket, but its frames say that it is another process:
 * the parent's next request is answered as if nothing had been. */
static void a_forked_child_cannot_use_its_parents_socket(void **unused)
{
	struct kit_peer peer;
	uint32_t        edge;
	int             status;
	pid_t           child;

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	child = fork();
	if (child == 0) {
		unsigned char           bytes[64];
		struct rh_record_writer writer;

		rh_record_begin(&writer, bytes, sizeof bytes);
		rh_record_put_text(&writer, RH_TAG_CALLEE, "magic");
		_exit(rh_socket_send(peer.fd, RH_FRAME_OPEN, peer.last_request + 1,
		                     &writer, NULL, 0) == RH_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	kit_expect(peer.fd, RH_FRAME_ERROR);
	assert_int_equal(kit_frame.request, 0); /* answers no request of the parent */
	assert_non_null(strstr(kit_text, "attach afresh"));
	KIT_UNTIL(kit_counters(&agent)->refused == 1);
	assert_int_equal(kit_open_edge(&peer, "magic", &edge), RH_OK);
	assert_int_equal(kit_counters(&agent)->processes, 1);
}

/* The same before the connection is attached. */
static void a_forked_child_cannot_attach_as_its_parent(void **unused)
{
	int fd, status;

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	fd = kit_connect("file");
	pid_t child = fork();
	if (child == 0) {
		unsigned char           bytes[64];
		struct rh_record_writer writer;

		rh_record_begin(&writer, bytes, sizeof bytes);
		rh_record_put_u32(&writer, RH_TAG_VERSION, RH_WIRE_VERSION);
		rh_record_put_u32(&writer, RH_TAG_ROLE, RH_ROLE_CALLER);
		_exit(rh_socket_send(fd, RH_FRAME_ATTACH, 1, &writer, NULL, 0) == RH_OK
		      ? 0 : 1);
	}
	waitpid(child, &status, 0);
	kit_expect(fd, RH_FRAME_ERROR);
	assert_non_null(strstr(kit_text, "made"));
	close(fd);
}

/* The process is gone although somebody still holds its socket. */
static void a_process_that_ended_is_detached(void **unused)
{
	int   pair[2], status;
	pid_t child;
	char  word;

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	assert_int_equal(pipe(pair), 0);
	child = fork();
	if (child == 0) {
		struct kit_peer peer;
		pid_t           grandchild;

		kit_attach(&peer, "file", RH_ROLE_CALLER);
		grandchild = fork(); /* keeps the socket open */
		if (grandchild == 0) {
			close(pair[1]);
			_exit(read(pair[0], &word, 1) < 0);
		}
		_exit(0);
	}
	close(pair[0]);
	waitpid(child, &status, 0);
	KIT_UNTIL(kit_counters(&agent)->attached == 1);
	KIT_UNTIL(kit_counters(&agent)->processes == 0);
	close(pair[1]);
}

static void one_agent_for_a_resource(void **unused)
{
	int   status;
	pid_t second = fork();

	(void)unused;
	if (second == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDERR_FILENO);
		execl(getenv("AGENT"), "rhodes-agent", "--run-dir", kit_dir, "--resource",
		      "file", (char *)NULL);
		_exit(127);
	}
	waitpid(second, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 1);
	/* The first one is still the one. */
	struct kit_peer peer;
	kit_apply(&agent, 1, "", edges, 1);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
}

static void descriptors_come_back(void **unused)
{
	struct kit_peer peer;
	struct kit_page page;
	uint32_t        edge;
	int             before;

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&peer, "magic", &edge), RH_OK);
	before = kit_descriptors(agent.pid);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(kit_page_get(&peer, edge, 0, &page), RH_OK);
		kit_page_close(&page); /* a thread that ended without a word */
	}
	KIT_UNTIL(kit_descriptors(agent.pid) == before);
	KIT_UNTIL(kit_counters(&agent)->pages == 0);
	for (unsigned i = 0; i < RH_PAGES_PER_PEER; i++) {
		assert_int_equal(kit_page_get(&peer, edge, 0, &page), RH_OK);
		close(page.event); /* the companion stays: so does the page */
	}
	assert_int_equal(kit_page_get(&peer, edge, 0, &page), RH_ENOSPC);
	kit_detach(&peer);
	KIT_UNTIL(kit_counters(&agent)->pages == 0);
	KIT_UNTIL(kit_descriptors(agent.pid) < before);
}

/* By however many connections: others find room for theirs. */
static void a_process_has_its_limits(void **unused)
{
	enum { CONNS = 64 }; /* RH_CONNS_PER_PROCESS */
	struct kit_peer peers[CONNS], one_more;
	struct kit_page page;
	uint32_t        edge;
	unsigned        got = 0;

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	for (int i = 0; i < CONNS; i++)
		assert_int_equal(kit_attach(&peers[i], "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_attach(&one_more, "file", RH_ROLE_CALLER), RH_ENOSPC);
	assert_non_null(strstr(kit_text, "attached to file 64 times already"));
	for (int i = 0; i < 4; i++) {
		assert_int_equal(kit_open_edge(&peers[i], "magic", &edge), RH_OK);
		while (got < RH_PAGES_PER_PEER / 4 * (unsigned)(i + 1)) {
			assert_int_equal(kit_page_get(&peers[i], edge, 0, &page), RH_OK);
			close(page.event);
			rh_memory_unmap(page.memory, RH_PAGE_BYTES);
			got++;
		}
	}
	assert_int_equal(kit_open_edge(&peers[4], "magic", &edge), RH_OK);
	assert_int_equal(kit_page_get(&peers[4], edge, 0, &page), RH_ENOSPC);
	assert_non_null(strstr(kit_text, "a process may have 1024 pages"));
	pid_t child = fork(); /* another process has limits of its own */
	if (child == 0) {
		if (kit_attach(&one_more, "file", RH_ROLE_CALLER) != RH_OK ||
		    kit_open_edge(&one_more, "magic", &edge) != RH_OK)
			_exit(1);
		_exit(kit_page_get(&one_more, edge, 0, &page) == RH_OK ? 0 : 2);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (int i = 0; i < CONNS; i++)
		kit_detach(&peers[i]);
}

/* Asks without end and never reads: it alone is disconnected. */
static void who_does_not_read_is_disconnected(void **unused)
{
	unsigned char           bytes[64];
	struct rh_record_writer writer;
	struct kit_peer         greedy, other;
	uint32_t                edge;
	int                     r;

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	assert_int_equal(kit_attach(&greedy, "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_attach(&other, "file", RH_ROLE_CALLER), RH_OK);
	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_text(&writer, RH_TAG_CALLEE, "magic");
	do /* the socket blocks while the agent is busy with what came before */
		r = rh_socket_send(greedy.fd, RH_FRAME_OPEN, 1, &writer, NULL, 0);
	while (r == RH_OK);
	assert_int_equal(r, RH_ELOST);
	KIT_UNTIL(kit_counters(&agent)->processes == 1);
	assert_int_equal(kit_open_edge(&other, "magic", &edge), RH_OK);
}

/* No descriptor is left: who comes waits, who asks is told; then it goes on. */
static void without_descriptors_it_lives_on(void **unused)
{
	enum { COMERS = 20 };
	struct kit_peer peer, comers[COMERS];
	struct kit_page page;
	struct rlimit   before, none;
	uint32_t        edge;

	(void)unused;
	kit_apply(&agent, 1, "", edges, 1);
	assert_int_equal(kit_attach(&peer, "file", RH_ROLE_CALLER), RH_OK);
	assert_int_equal(kit_open_edge(&peer, "magic", &edge), RH_OK);
	assert_int_equal(prlimit(agent.pid, RLIMIT_NOFILE, NULL, &before), 0);
	none = before;
	none.rlim_cur = 3; /* those that are open stay */
	assert_int_equal(prlimit(agent.pid, RLIMIT_NOFILE, &none, NULL), 0);
	assert_int_equal(kit_page_get(&peer, edge, 0, &page), RH_ENOMEM);
	for (int i = 0; i < COMERS; i++)
		comers[i].fd = kit_connect("file");
	assert_int_equal(kit_page_get(&peer, edge, 0, &page), RH_ENOMEM);
	assert_int_equal(prlimit(agent.pid, RLIMIT_NOFILE, &before, NULL), 0);
	assert_int_equal(kit_page_get(&peer, edge, 0, &page), RH_OK);
	for (int i = 0; i < COMERS; i++) {
		unsigned char           bytes[64];
		struct rh_record_writer writer;

		rh_record_begin(&writer, bytes, sizeof bytes);
		rh_record_put_u32(&writer, RH_TAG_VERSION, RH_WIRE_VERSION);
		rh_record_put_u32(&writer, RH_TAG_ROLE, RH_ROLE_CALLER);
		comers[i].last_request = 0;
		assert_int_equal(kit_ask(&comers[i], RH_FRAME_ATTACH, &writer,
		                         RH_FRAME_ATTACHED), RH_OK);
	}
}

/* Its log is a pipe that nobody reads. */
static void an_unread_log_does_not_stop_it(void **unused)
{
	struct kit_agent chatty;
	struct kit_peer  peer;
	int              log[2];

	(void)unused;
	assert_int_equal(pipe(log), 0);
	kit_log = log[1];
	kit_agent_start(&chatty, "chatty");
	kit_log = -1;
	kit_apply(&chatty, 1, NULL, NULL, 0);
	for (int i = 0; i < 1000; i++) { /* each of them is a line */
		assert_int_equal(kit_attach(&peer, "chatty", RH_ROLE_CALLER), RH_EIDENT);
		kit_detach(&peer);
	}
	assert_int_equal(fcntl(log[1], F_GETFL) & O_NONBLOCK, 0); /* ours still is */
	close(log[0]);
	close(log[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(attach_has_an_id_that_is_the_processs_own),
		TEST(a_program_is_known_by_what_it_was_given),
		TEST(before_the_first_view_a_process_waits),
		TEST(before_the_first_view_a_process_may_leave),
		TEST(an_unregistered_resource_admits_nobody),
		TEST(wrong_words_are_refused),
		TEST(impostors_are_refused),
		TEST(junk_disturbs_nobody),
		TEST(descriptors_of_strangers_are_not_taken),
		TEST(a_forked_child_cannot_use_its_parents_socket),
		TEST(a_forked_child_cannot_attach_as_its_parent),
		TEST(a_process_that_ended_is_detached),
		TEST(one_agent_for_a_resource),
		TEST(descriptors_come_back),
		TEST(a_process_has_its_limits),
		TEST(who_does_not_read_is_disconnected),
		TEST(without_descriptors_it_lives_on),
		TEST(an_unread_log_does_not_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
